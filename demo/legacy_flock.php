<?php
// getToken() as articles repair it: flock() after fopen('w').
// demo.php and the benchmarks measure it. LIFETIME is how many seconds it takes a token to live.

function getToken($file)
{
    $data = json_decode(file_get_contents($file), true);
    if (!$data || $data['expire'] <= time()) {
        $fp = fopen($file, 'w');
        flock($fp, LOCK_EX);
        $url = getenv('WX_API_BASE') . '/cgi-bin/token?grant_type=client_credential'
            . '&appid=' . getenv('WX_APPID') . '&secret=' . getenv('WX_SECRET');
        $res = json_decode(file_get_contents($url), true);
        $data = ['access_token' => $res['access_token'], 'expire' => time() + (getenv('LIFETIME') ?: 7000)];
        fwrite($fp, json_encode($data));
        flock($fp, LOCK_UN);
        fclose($fp);
    }
    return $data['access_token'];
}
