<?php
// The class migrated: the two get methods are one call each, and nothing reads or writes files here.
// For the older form of the sample, whose files are JSON, pass 'json' as the third argument.

class JSSDK
{
    private $appId;
    private $appSecret;
    private $ending;

    public function __construct($appId, $appSecret, $ending = 'php')
    {
        $this->appId = $appId;
        $this->appSecret = $appSecret;
        $this->ending = $ending;
    }

    public function getSignPackage()
    {
        $protocol = empty($_SERVER['HTTPS']) || $_SERVER['HTTPS'] === 'off' ? 'http' : 'https';
        $url = "$protocol://$_SERVER[HTTP_HOST]$_SERVER[REQUEST_URI]";
        $timestamp = time();
        $nonceStr = bin2hex(random_bytes(8));
        return [
            'appId' => $this->appId,
            'nonceStr' => $nonceStr,
            'timestamp' => $timestamp,
            'url' => $url,
            'signature' => $this->sign($this->getJsApiTicket(), $nonceStr, $timestamp, $url),
        ];
    }

    public function sign($ticket, $nonceStr, $timestamp, $url)
    {
        return sha1("jsapi_ticket=$ticket&noncestr=$nonceStr&timestamp=$timestamp&url=$url");
    }

    public function getJsApiTicket()
    {
        return wx_get_ticket("jsapi_ticket.$this->ending", "access_token.$this->ending", 'jsapi', $this->account());
    }

    public function getAccessToken()
    {
        return wx_get_token("access_token.$this->ending", $this->account());
    }

    private function account()
    {
        return [
            'appid' => $this->appId,
            'secret' => $this->appSecret,
            'endpoint' => 'stable',    // what legacy callers fetch leaves this token alone
        ];
    }
}
