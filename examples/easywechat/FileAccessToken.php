<?php
declare(strict_types=1);

use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;

/**
 * EasyWeChat 6's access token over a token file:
 *
 *     $app->setAccessToken(new FileAccessToken('/var/www/data/access_token.json', ['appid' => …, 'secret' => …]));
 *
 * EasyWeChat then fetches no tokens, so its `use_stable_access_token` has no effect: the endpoint is
 * that of the options, or of `wx_token.endpoint`.
 */
final class FileAccessToken implements RefreshableAccessToken
{
    /** The token that was handed out last: the one that a rejected request was made with. */
    private ?string $lent = null;

    /**
     * @param string $file The token file.
     * @param array<string, mixed>|callable|null $source As for wx_get_token().
     * @param string $queryName `component_access_token` for an open platform.
     */
    public function __construct(
        private string $file,
        #[\SensitiveParameter] private $source = null,
        private string $queryName = 'access_token',
    ) {
    }

    public function getToken(): string
    {
        return $this->lent = wx_get_token($this->file, $this->source);
    }

    /** @return array<string, string> */
    public function toQuery(): array
    {
        return [$this->queryName => $this->getToken()];
    }

    /** Replaces the token that was handed out last, unless another process has done so already. */
    public function refresh(): string
    {
        if ($this->lent === null) {
            return $this->getToken();
        }
        return $this->lent = wx_refresh_token($this->file, $this->lent, $this->source);
    }
}
