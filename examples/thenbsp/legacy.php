<?php
// A project over thenbsp/wechat: the token and the ticket are in a Doctrine cache. When they expire, every process
// that finds the entry gone fetches its own.

use Doctrine\Common\Cache\FilesystemCache;
use Thenbsp\Wechat\Wechat\AccessToken;
use Thenbsp\Wechat\Wechat\Jsapi\Ticket;

function wechat_cache()
{
    return new FilesystemCache('./cache');
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
