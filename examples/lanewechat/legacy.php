<?php
// Class LaneWeChat\Core\AccessToken of LaneWeChat (lixuancn/LaneWeChat), in a few lines. The file `access_token` is in
// the working directory: WeChat's answer, and under `time` the time of the fetch.

namespace LaneWeChat\Core;

define('WECHAT_APPID', getenv('WX_APPID'));    // in the project: config.php
define('WECHAT_APPSECRET', getenv('WX_SECRET'));

class AccessToken
{
    public static function getAccessToken()
    {
        $accessToken = self::_checkAccessToken();
        if ($accessToken === false) {
            $accessToken = self::_getAccessToken();
        }
        return $accessToken['access_token'];
    }

    private static function _getAccessToken()
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        $accessToken = json_decode(file_get_contents($base . '/cgi-bin/token?grant_type=client_credential&appid='
            . WECHAT_APPID . '&secret=' . WECHAT_APPSECRET), true);
        $accessToken['time'] = time();
        $f = fopen('access_token', 'w+');
        fwrite($f, json_encode($accessToken));
        fclose($f);
        return $accessToken;
    }

    private static function _checkAccessToken()
    {
        $data = @file_get_contents('access_token');
        if (!empty($data)) {
            $accessToken = json_decode($data, true);
            if (time() - $accessToken['time'] < $accessToken['expires_in'] - 10) {
                return $accessToken;
            }
        }
        return false;
    }
}
