<?php
declare(strict_types=1);

use EasyWeChat\Kernel\AccessToken;
use EasyWeChat\Kernel\ServiceContainer;

/**
 * The access token of EasyWeChat 4 and 5 over a token file, for official accounts, mini programs and WeCom:
 *
 *     $app->rebind('access_token', new FileAccessToken($app, '/var/www/data/access_token.json', ['appid' => …, 'secret' => …]));
 *
 * Do this before the first use of $app: its services keep the token object that they were made with. The event
 * AccessTokenRefreshed does not come any more, since it need not be this process that refreshes.
 */
final class FileAccessToken extends AccessToken
{
    /** The token that was handed out last: the one that a rejected request was made with. */
    private ?string $lent = null;

    /** @param array<string, mixed>|callable|null $source As for wx_get_token(). */
    public function __construct(ServiceContainer $app, private string $file, #[\SensitiveParameter] private $source = null)
    {
        parent::__construct($app);
    }

    /**
     * @param bool $refresh The library's sign that WeChat rejected the token that was handed out last.
     * @return array{access_token: string, expires_in: int} With the lifetime that is left.
     */
    public function getToken(bool $refresh = false): array
    {
        if ($refresh && $this->lent !== null) {
            wx_refresh_token($this->file, $this->lent, $this->source);
        }
        do {
            $this->lent = wx_get_token($this->file, $this->source);
            $left = wx_token_status($this->file, is_array($this->source) ? $this->source : null)['expires_in'];
        } while ($this->lent !== wx_get_token($this->file, $this->source));    // replaced meanwhile
        return $this->token = ['access_token' => $this->lent, 'expires_in' => $left];
    }

    /** The library's cache has no part in this any more. */
    protected function getCredentials(): array
    {
        return [];
    }
}
