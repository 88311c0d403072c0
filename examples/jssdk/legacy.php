<?php
// WeChat's JS-SDK sample as projects have it: class JSSDK. Its two files are in the working directory. They begin
// with a guard, so a browser that requests them gets nothing.

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
        $data = json_decode($this->get_php_file('jsapi_ticket.php'));
        if ($data->expire_time < time()) {
            $accessToken = $this->getAccessToken();
            $url = "https://api.weixin.qq.com/cgi-bin/ticket/getticket?type=jsapi&access_token=$accessToken";
            $res = json_decode($this->httpGet($url));
            if ($res->ticket) {
                $data->expire_time = time() + 7000;
                $data->jsapi_ticket = $res->ticket;
                $this->set_php_file('jsapi_ticket.php', json_encode($data));
            }
        }
        return $data->jsapi_ticket;
    }

    private function getAccessToken()
    {
        $data = json_decode($this->get_php_file('access_token.php'));
        if ($data->expire_time < time()) {
            $url = 'https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential'
                . "&appid=$this->appId&secret=$this->appSecret";
            $res = json_decode($this->httpGet($url));
            if ($res->access_token) {
                $data->expire_time = time() + 7000;
                $data->access_token = $res->access_token;
                $this->set_php_file('access_token.php', json_encode($data));
            }
        }
        return $data->access_token;
    }

    private function httpGet($url)
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return file_get_contents(str_replace('https://api.weixin.qq.com', $base, $url));
    }

    private function get_php_file($filename)
    {
        return trim(substr(file_get_contents($filename), 15));
    }

    private function set_php_file($filename, $content)
    {
        $fp = fopen($filename, 'w');
        fwrite($fp, '<?php exit();?>' . $content);
        fclose($fp);
    }
}
