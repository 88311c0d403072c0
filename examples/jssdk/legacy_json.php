<?php
// The older form of the sample: access_token.json and jsapi_ticket.json, plain JSON that every browser may read.

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
        $data = json_decode(file_get_contents('./jsapi_ticket.json'));
        if ($data->expire_time < time()) {
            $accessToken = $this->getAccessToken();
            $url = "https://api.weixin.qq.com/cgi-bin/ticket/getticket?type=jsapi&access_token=$accessToken";
            $res = json_decode($this->httpGet($url));
            if ($res->ticket) {
                $data->expire_time = time() + 7000;
                $data->jsapi_ticket = $res->ticket;
                $fp = fopen('jsapi_ticket.json', 'w');
                fwrite($fp, json_encode($data));
                fclose($fp);
            }
        }
        return $data->jsapi_ticket;
    }

    private function getAccessToken()
    {
        $data = json_decode(file_get_contents('./access_token.json'));
        if ($data->expire_time < time()) {
            $url = 'https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential'
                . "&appid=$this->appId&secret=$this->appSecret";
            $res = json_decode($this->httpGet($url));
            if ($res->access_token) {
                $data->expire_time = time() + 7000;
                $data->access_token = $res->access_token;
                $fp = fopen('access_token.json', 'w');
                fwrite($fp, json_encode($data));
                fclose($fp);
            }
        }
        return $data->access_token;
    }

    private function httpGet($url)
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return file_get_contents(str_replace('https://api.weixin.qq.com', $base, $url));
    }
}
