<?php
// getToken() as articles publish it: no lock.
// demo.php and the benchmarks measure it. LIFETIME is how many seconds it takes a token to live.

function getToken($file)
{
    $data = json_decode(file_get_contents($file), true);
    if (!$data || $data['expire'] <= time()) {
        $url = getenv('WX_API_BASE') . '/cgi-bin/token?grant_type=client_credential'
            . '&appid=' . getenv('WX_APPID') . '&secret=' . getenv('WX_SECRET');
        $res = json_decode(file_get_contents($url), true);
        $data = ['access_token' => $res['access_token'], 'expire' => time() + (getenv('LIFETIME') ?: 7000)];
        $fp = fopen($file, 'w');
        fwrite($fp, json_encode($data));
        fclose($fp);
    }
    return $data['access_token'];
}
