<?php
// The older form of the sample: plain JSON, in access_token.json and jsapi_ticket.json.

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
        $url = "http://$_SERVER[HTTP_HOST]$_SERVER[REQUEST_URI]";
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
        return $this->cached('jsapi_ticket', function () {
            $token = $this->getAccessToken();
            return $this->ask('/cgi-bin/ticket/getticket?type=jsapi&access_token=' . $token)->ticket;
        });
    }

    public function getAccessToken()
    {
        return $this->cached('access_token', function () {
            return $this->ask('/cgi-bin/token?grant_type=client_credential'
                . "&appid=$this->appId&secret=$this->appSecret")->access_token;
        });
    }

    private function cached($name, $fetch)
    {
        $data = json_decode(file_get_contents("$name.json"));
        if ($data->expire_time < time()) {
            $data->$name = $fetch();
            $data->expire_time = time() + 7000;
            $fp = fopen("$name.json", 'w');
            fwrite($fp, json_encode($data));
            fclose($fp);
        }
        return $data->$name;
    }

    private function ask($path)
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents($base . $path));
    }
}
