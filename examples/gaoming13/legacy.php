<?php
// A project over gaoming13/wechat-php-sdk. The library leaves it to the project to keep the token: here in a file, as
// the JSON that it gets, in which `expires_in` is a Unix time.

use Gaoming13\WechatPhpSdk\Api;

function wechat_api()
{
    return new Api([
        'appId' => getenv('WX_APPID'),
        'appSecret' => getenv('WX_SECRET'),
        'get_access_token' => function () {
            return @file_get_contents('access_token.json');
        },
        'save_access_token' => function ($token) {
            file_put_contents('access_token.json', $token);
        },
        'get_jsapi_ticket' => function () {
            return @file_get_contents('jsapi_ticket.json');
        },
        'save_jsapi_ticket' => function ($jsapi_ticket) {
            file_put_contents('jsapi_ticket.json', $jsapi_ticket);
        },
    ]);
}
