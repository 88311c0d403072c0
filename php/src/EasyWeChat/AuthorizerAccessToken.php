<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

use EasyWeChat\OpenPlatform\Application;
use EasyWeChat\OpenPlatform\AuthorizerAccessToken as Base;

/**
 * The access token of an account that authorized an EasyWeChat 6 open platform, over a token file:
 *
 *     $platform->getOfficialAccount(new AuthorizerAccessToken($platform, $appId, $refreshToken, "/var/www/data/$appId.json"));
 *     $platform->getMiniApp(…);
 *
 * One process asks the platform, and the others share what it got. Use one file for each account. It does not call
 * the constructor of its parent, which wants a token at once.
 */
final class AuthorizerAccessToken extends Base implements ReplaceableAccessToken
{
    use OverTokenFile;

    public function __construct(
        Application $platform,
        string $appId,
        #[\SensitiveParameter] string $refreshToken,
        string $file,
    ) {
        $this->appId = $appId;
        $this->file = $file;
        // The library throws if WeChat gives no token.
        $this->source = static function () use ($platform, $appId, $refreshToken): array {
            $answer = $platform->refreshAuthorizerToken($appId, $refreshToken);
            return ['access_token' => $answer['authorizer_access_token'], 'expires_in' => $answer['expires_in']];
        };
    }

    public function __toString(): string
    {
        return $this->getToken();
    }
}
