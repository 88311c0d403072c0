<?php
// The account with token and ticket from the extension. The library stays as it is.

use EasyWeChat\Factory;

require_once __DIR__ . '/FileAccessToken.php';
require_once __DIR__ . '/FileJssdk.php';

function official_account()
{
    $app = Factory::officialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    $app->rebind('access_token', new FileAccessToken($app, 'access_token.json', $account));
    $app->rebind('jssdk', new FileJssdk($app, 'ticket.json', 'access_token.json', $account));
    return $app;
}
