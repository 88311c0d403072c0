<?php
// The apps with tokens and a ticket from the extension. The library stays as it is.

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

function work()
{
    $app = Factory::work(['corp_id' => getenv('WX_CORPID'), 'secret' => getenv('WX_CORPSECRET')]);
    $account = ['corpid' => getenv('WX_CORPID'), 'corpsecret' => getenv('WX_CORPSECRET')];
    $app->rebind('access_token', new FileAccessToken($app, 'work.json', $account));
    return $app;
}
