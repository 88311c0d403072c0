<?php
// Five apps of EasyWeChat 6 as projects make them. The library keeps tokens and tickets in its cache, without
// a lock: at an expiry each process fetches. (In the test, ../stand-ins/easywechat6.php is the library.)

use EasyWeChat\MiniApp\Application as MiniApp;
use EasyWeChat\OfficialAccount\Application as OfficialAccount;
use EasyWeChat\OpenPlatform\Application as OpenPlatform;
use EasyWeChat\Work\Application as Work;

function official_account(): OfficialAccount
{
    return new OfficialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
}

function mini_app(): MiniApp
{
    return new MiniApp(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
}

function work(): Work
{
    return new Work(['corp_id' => getenv('WX_CORPID'), 'secret' => getenv('WX_CORPSECRET')]);
}

function open_platform(): OpenPlatform
{
    return new OpenPlatform(['app_id' => 'wxcomponent', 'secret' => 'component secret']);
}

function authorized_account(string $appId, string $refreshToken): OfficialAccount
{
    return open_platform()->getOfficialAccountWithRefreshToken($appId, $refreshToken);
}

/** An API of WeChat's. */
function ask($app, string $path): array
{
    return $app->getClient()->get($path)->toArray(false);
}
