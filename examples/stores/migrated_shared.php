<?php
// Other machines, or programs in other languages, still use key and row: they become the loader of the file. One
// process of the machine reads them, and renews the token in its last five minutes.

require_once __DIR__ . '/stable_token.php';

/** @param Redis $redis */
function redis_token($redis)
{
    return wx_get_token('access_token.json', fn () => load_from_redis($redis));
}

/** For a token that WeChat rejected. */
function renew_redis_token($redis, $rejected)
{
    return wx_refresh_token('access_token.json', $rejected, fn () => load_from_redis($redis, $rejected));
}

function load_from_redis($redis, $rejected = null)
{
    // ttl() first: if another machine replaces the key now, its token lives longer than $left, not shorter.
    $left = $redis->ttl('wx_access_token');    // -1: no end, -2: no key
    $token = $redis->get('wx_access_token');
    if ($token && $token !== $rejected && $left >= 300) {
        return ['access_token' => $token, 'expires_in' => $left];
    }
    $answer = stable_token($rejected);
    if (isset($answer['access_token'])) {
        $redis->setex('wx_access_token', $answer['expires_in'], $answer['access_token']);
    }
    return $answer;
}

/** @param Memcached $memcached */
function memcached_token($memcached)
{
    return wx_get_token('access_token.json', fn () => load_from_memcached($memcached));
}

/** Memcached cannot say how long a value lives: the expiry has a key of its own. Without it, the age is unknown. */
function load_from_memcached($memcached, $rejected = null)
{
    // Read in the reverse order of the writes, so that the expiry is never that of a later token.
    $expire = $memcached->get('access_token_expire');
    $token = $memcached->get('access_token');
    if ($token && $token !== $rejected && $expire >= time() + 300) {
        return ['access_token' => $token, 'expire' => $expire];
    }
    $answer = stable_token($rejected);
    if (isset($answer['access_token'])) {
        $memcached->set('access_token', $answer['access_token'], $answer['expires_in']);
        $memcached->set('access_token_expire', time() + $answer['expires_in'], $answer['expires_in']);
    }
    return $answer;
}

/** @param PDO $db */
function database_token($db)
{
    return wx_get_token('access_token.json', fn () => load_from_database($db));
}

function load_from_database($db, $rejected = null)
{
    $select = $db->prepare('SELECT web_access_token, web_expires FROM wx_user WHERE id = 1');
    $select->execute();
    $row = $select->fetch();
    if ($row['web_access_token'] !== $rejected && $row['web_expires'] >= time() + 300) {
        return ['access_token' => $row['web_access_token'], 'expire' => $row['web_expires']];
    }
    $answer = stable_token($rejected);
    if (isset($answer['access_token'])) {
        $update = $db->prepare('UPDATE wx_user SET web_access_token = ?, web_expires = ? WHERE id = 1');
        $update->execute([$answer['access_token'], time() + $answer['expires_in']]);
    }
    return $answer;
}
