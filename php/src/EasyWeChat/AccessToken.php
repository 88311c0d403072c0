<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

/**
 * EasyWeChat 6's access token over a token file:
 *
 *     $app->setAccessToken(new AccessToken('/var/www/data/token.json', ['appid' => …, 'secret' => …]));
 *
 * EasyWeChat then fetches no tokens, so its `use_stable_access_token` has no effect: the endpoint is that of the
 * options, or of `wx_token.endpoint`.
 */
final class AccessToken implements ReplaceableAccessToken
{
    use OverTokenFile;

    /**
     * @param string $file The token file.
     * @param array<string, mixed>|callable|null $source As for wx_get_token().
     * @param string $queryName `component_access_token` for an open platform.
     */
    public function __construct(
        string $file,
        #[\SensitiveParameter] array|callable|null $source = null,
        private string $queryName = 'access_token',
    ) {
        $this->file = $file;
        $this->source = $source;
    }

    /** @return array<string, string> */
    public function toQuery(): array
    {
        return [$this->queryName => $this->getToken()];
    }
}
