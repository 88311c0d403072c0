<?php
declare(strict_types=1);

use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;
use EasyWeChat\OpenPlatform\Application;
use EasyWeChat\OpenPlatform\AuthorizerAccessToken;

/**
 * The access token of an account that authorized an EasyWeChat 6 open platform, over a token file:
 *
 *     $platform->getOfficialAccount(new FileAuthorizerAccessToken($platform, $appId, $refreshToken, "/var/www/data/$appId.json"));
 *     $platform->getMiniApp(…);
 *
 * One process asks the platform, and the others share what it got. Use one file for each account.
 */
final class FileAuthorizerAccessToken extends AuthorizerAccessToken implements RefreshableAccessToken
{
    /** The token that was handed out last: the one that a rejected request was made with. */
    private ?string $lent = null;

    public function __construct(
        private Application $platform,
        string $appId,
        #[\SensitiveParameter] private string $refreshToken,
        private string $file,
    ) {
        $this->appId = $appId;
    }

    public function getToken(): string
    {
        return $this->lent = wx_get_token($this->file, $this->load(...));
    }

    public function __toString(): string
    {
        return $this->getToken();
    }

    /** Replaces the token that was handed out last, unless another process has done so already. */
    public function refresh(): string
    {
        if ($this->lent === null) {
            return $this->getToken();
        }
        return $this->lent = wx_refresh_token($this->file, $this->lent, $this->load(...));
    }

    /** A loader: the library throws if WeChat gives no token. */
    private function load(): array
    {
        $answer = $this->platform->refreshAuthorizerToken($this->appId, $this->refreshToken);
        return ['access_token' => $answer['authorizer_access_token'], 'expires_in' => $answer['expires_in']];
    }
}
