<?php
// A token under a key of Redis, under a key of Memcached, and in a row of a table. When it expires, each process
// fetches a token, and the one that is stored last need not be the newest.

/** @param Redis $redis */
function redis_token($redis)
{
    $token = $redis->get('wx_access_token');
    if (!$token) {
        $token = fetch_token();
        $redis->setex('wx_access_token', 7200, $token);
    }
    return $token;
}

/** For a token that WeChat rejected: every request that met it deletes the key and fetches again. */
function renew_redis_token($redis, $rejected)
{
    $redis->del('wx_access_token');
    return redis_token($redis);
}

/** @param Memcached $memcached */
function memcached_token($memcached)
{
    $token = $memcached->get('access_token');
    if (!$token) {
        $token = fetch_token();
        $memcached->set('access_token', $token, 7000);
    }
    return $token;
}

/** @param PDO $db */
function database_token($db)
{
    $select = $db->prepare('SELECT web_access_token, web_expires FROM wx_user WHERE id = 1');
    $select->execute();
    $row = $select->fetch();
    if ($row['web_expires'] > time()) {
        return $row['web_access_token'];
    }
    $token = fetch_token();
    $update = $db->prepare('UPDATE wx_user SET web_access_token = ?, web_expires = ? WHERE id = 1');
    $update->execute([$token, time() + 7140]);
    return $token;
}

function fetch_token()
{
    $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
    $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
        'grant_type' => 'client_credential',
        'appid' => getenv('WX_APPID'),
        'secret' => getenv('WX_SECRET'),
    ])), true);
    return $answer['access_token'];
}
