<?php
// The three forms that ThinkPHP projects have. When the cache entry expires, each process fetches a token.

/** ThinkPHP 3. */
function get_access_token_tp3()
{
    $access_token = S('access_token');
    if (!$access_token) {
        $access_token = fetch_access_token();
        S('access_token', $access_token, 7000);
    }
    return $access_token;
}

/** ThinkPHP 5, 6 and 8. */
function get_access_token()
{
    $access_token = cache('access_token');
    if (!$access_token) {
        $access_token = fetch_access_token();
        cache('access_token', $access_token, 7200);
    }
    return $access_token;
}

/** ThinkPHP 5.1, 6 and 8. The lock of remember() is an ordinary cache entry, and whoever waited for it fetches again. */
function remember_access_token()
{
    return \think\facade\Cache::remember('access_token', fn () => fetch_access_token(), 7000);
}

/** For a token that WeChat rejected: every request that met it deletes the entry and fetches again. */
function renew_access_token($rejected)
{
    cache('access_token', null);
    return get_access_token();
}

function fetch_access_token()
{
    $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
    $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
        'grant_type' => 'client_credential',
        'appid' => getenv('WX_APPID'),
        'secret' => getenv('WX_SECRET'),
    ])), true);
    return $answer['access_token'];
}
