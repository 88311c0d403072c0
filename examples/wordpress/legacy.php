<?php
// The two forms that plugins have: an option with its expiry beside it, and a transient.

function weixin_access_token()
{
    $option = get_option('weixin_access_token');
    if ($option && time() < $option['expire_time']) {
        return $option['access_token'];
    }
    $token = weixin_fetch_token();
    update_option('weixin_access_token', ['access_token' => $token, 'expire_time' => time() + 7000]);
    return $token;
}

function weixin_cached_token()
{
    $token = get_transient('weixin_access_token');
    if ($token === false) {
        $token = weixin_fetch_token();
        set_transient('weixin_access_token', $token, 7000);
    }
    return $token;
}

/** For a token that WeChat rejected. */
function weixin_renew_token($rejected)
{
    delete_transient('weixin_access_token');
    return weixin_cached_token();
}

function weixin_fetch_token()
{
    $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
    $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
        'grant_type' => 'client_credential',
        'appid' => getenv('WX_APPID'),
        'secret' => getenv('WX_SECRET'),
    ])), true);
    return $answer['access_token'];
}
