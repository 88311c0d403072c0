<?php
// getToken() as articles publish it: the token in a JSON file, and no lock.

function getToken($file)
{
    $data = json_decode((string) @file_get_contents($file), true);
    if (empty($data['access_token']) || $data['expire'] <= time()) {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
            'grant_type' => 'client_credential',
            'appid' => getenv('WX_APPID'),
            'secret' => getenv('WX_SECRET'),
        ])), true);
        $data['access_token'] = $answer['access_token'];
        $data['expire'] = time() + 7000;
        $fp = fopen($file, 'w');
        fwrite($fp, json_encode($data));
        fclose($fp);
    }
    return $data['access_token'];
}
