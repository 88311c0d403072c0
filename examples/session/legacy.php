<?php
// A token in the session: one for each visitor.

function getWxAccessToken()
{
    if (!empty($_SESSION['access_token']) && $_SESSION['expire_time'] > time()) {
        return $_SESSION['access_token'];
    }
    $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
    $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
        'grant_type' => 'client_credential',
        'appid' => getenv('WX_APPID'),
        'secret' => getenv('WX_SECRET'),
    ])), true);
    $_SESSION['access_token'] = $answer['access_token'];
    $_SESSION['expire_time'] = time() + 7000;
    return $_SESSION['access_token'];
}
