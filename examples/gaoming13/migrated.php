<?php
// The project migrated: two callbacks get what the extension has, and nothing is left to save.

use Gaoming13\WechatPhpSdk\Api;

function wechat_api()
{
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    // The library fetches for itself what does not last 20 minutes longer. That is not for it to judge any more.
    $lasting = fn ($key, $value) => json_encode([$key => $value, 'expires_in' => PHP_INT_MAX]);
    return new Api([
        'appId' => getenv('WX_APPID'),
        'appSecret' => getenv('WX_SECRET'),
        'get_access_token' => function () use ($account, $lasting) {
            return $lasting('access_token', wx_get_token('access_token.json', $account));
        },
        'get_jsapi_ticket' => function () use ($account, $lasting) {
            return $lasting('ticket', wx_get_ticket('jsapi_ticket.json', 'access_token.json', 'jsapi', $account));
        },
    ]);
}
