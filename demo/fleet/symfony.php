<?php
// Symfony's Cache and Lock on Redis, used as they should be: read, lock, read again, fetch, store.
// $file has no use here.

use Psr\Log\LogLevel;
use Psr\Log\NullLogger;
use Symfony\Component\Cache\Adapter\RedisAdapter;
use Symfony\Component\Lock\Key;
use Symfony\Component\Lock\Lock;
use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\RedisStore;

require __DIR__ . '/connect.php';
require __DIR__ . '/fetch.php';
require 'Symfony/Component/Lock/autoload.php';
load(LockFactory::class, RedisStore::class, Key::class, Lock::class, NullLogger::class, LogLevel::class);

const KEY = 'access_token';
const LOCK_LIFE = 10;       // seconds; more than a fetch takes

function getToken($file)
{
    $redis = connect();
    $cache = new RedisAdapter($redis, 'wechat');
    $item = $cache->getItem(KEY);
    return $item->isHit() ? $item->get() : refreshed($redis, $cache);
}

function refreshed($redis, $cache)
{
    $lock = (new LockFactory(new RedisStore($redis, LOCK_LIFE)))->createLock('wechat.access_token', LOCK_LIFE);
    $lock->acquire(true);
    try {
        $item = $cache->getItem(KEY);
        if (!$item->isHit()) {
            ['access_token' => $token, 'expires_in' => $life] = fetch();
            $cache->save($item->set($token)->expiresAfter($life - 200));
        }
        return $item->get();
    } finally {
        $lock->release();
    }
}
