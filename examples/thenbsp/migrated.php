<?php
// The project migrated: only its cache is another one.

use Doctrine\Common\Cache\FilesystemCache;
use Thenbsp\Wechat\Wechat\AccessToken;
use Thenbsp\Wechat\Wechat\Jsapi\Ticket;

require_once __DIR__ . '/WxTokenCache.php';

function wechat_cache()
{
    return new WxTokenCache(new FilesystemCache('./cache'), './cache', [getenv('WX_APPID') => getenv('WX_SECRET')]);
}

function access_token()
{
    $accessToken = new AccessToken(getenv('WX_APPID'), getenv('WX_SECRET'));
    $accessToken->setCache(wechat_cache());
    return $accessToken;
}

function jsapi_ticket()
{
    $ticket = new Ticket(access_token());
    $ticket->setCache(wechat_cache());
    return $ticket;
}
