<?php
// The file takes the place of key and row: on one machine, or on several whose programs are all migrated. The
// stable endpoint gives every machine the same token.

/** @param Redis $redis */
function redis_token($redis)
{
    return wx_get_token('access_token.json', account());
}

/** For a token that WeChat rejected: the first to say so replaces it, and the others get the new one. */
function renew_redis_token($redis, $rejected)
{
    return wx_refresh_token('access_token.json', $rejected, account());
}

/** @param Memcached $memcached */
function memcached_token($memcached)
{
    return wx_get_token('access_token.json', account());
}

/** @param PDO $db */
function database_token($db)
{
    return wx_get_token('access_token.json', account());
}

function account()
{
    return ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
}
