<?php
// The algorithm of EasyWeChat 6, written anew, with its cache in Redis: read, fetch, store. $file has no use here.
// https://github.com/w7corp/easywechat/blob/6.x/src/OfficialAccount/AccessToken.php

use Symfony\Component\Cache\Adapter\RedisAdapter;
use Symfony\Component\Cache\Psr16Cache;

require 'Psr/SimpleCache/autoload.php';
require __DIR__ . '/connect.php';
require __DIR__ . '/fetch.php';
load(Psr16Cache::class);

function getToken($file)
{
    $cache = new Psr16Cache(new RedisAdapter(connect()));
    $key = 'official_account.access_token.' . getenv('WX_APPID');
    $token = $cache->get($key);
    if (!$token) {
        ['access_token' => $token, 'expires_in' => $life] = fetch();
        $cache->set($key, $token, $life);
    }
    return $token;
}
