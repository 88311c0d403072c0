<?php
// The older form migrated. The names of the files differ from migrated.php, and the layout of new ones.

class JSSDK
{
    private $appId;
    private $appSecret;

    public function __construct($appId, $appSecret)
    {
        $this->appId = $appId;
        $this->appSecret = $appSecret;
    }

    public function getSignPackage()
    {
        $ticket = $this->getJsApiTicket();
        $https = ($_SERVER['HTTPS'] ?? 'off') !== 'off' || ($_SERVER['SERVER_PORT'] ?? 80) == 443;
        $url = ($https ? 'https' : 'http') . "://$_SERVER[HTTP_HOST]$_SERVER[REQUEST_URI]";
        $timestamp = time();
        $nonceStr = $this->createNonceStr();
        $rawString = "jsapi_ticket=$ticket&noncestr=$nonceStr&timestamp=$timestamp&url=$url";
        return [
            'appId' => $this->appId,
            'nonceStr' => $nonceStr,
            'timestamp' => $timestamp,
            'url' => $url,
            'signature' => sha1($rawString),
            'rawString' => $rawString,
        ];
    }

    private function createNonceStr($length = 16)
    {
        return substr(bin2hex(random_bytes($length)), 0, $length);
    }

    private function getJsApiTicket()
    {
        return wx_get_ticket('jsapi_ticket.json', 'access_token.json', 'jsapi',
            ['appid' => $this->appId, 'secret' => $this->appSecret, 'layout' => 'expire_time']);
    }

    private function getAccessToken()
    {
        return wx_get_token('access_token.json',
            ['appid' => $this->appId, 'secret' => $this->appSecret, 'layout' => 'expire_time']);
    }
}
