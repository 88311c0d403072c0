<?php
// A class in the manner of WeChat's JS-SDK sample. Its two files lie in the working directory, and
// begin with a guard, so that a browser that asks for them is shown nothing.

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
        $data = $this->read('jsapi_ticket.php');
        if ($data->expire_time < time()) {
            $token = $this->getAccessToken();
            $answer = $this->ask('/cgi-bin/ticket/getticket?type=jsapi&access_token=' . $token);
            if ($answer->ticket) {
                $data->expire_time = time() + 7000;
                $data->jsapi_ticket = $answer->ticket;
                $this->write('jsapi_ticket.php', $data);
            }
        }
        return $data->jsapi_ticket;
    }

    public function getAccessToken()
    {
        $data = $this->read('access_token.php');
        if ($data->expire_time < time()) {
            $answer = $this->ask('/cgi-bin/token?grant_type=client_credential'
                . "&appid=$this->appId&secret=$this->appSecret");
            if ($answer->access_token) {
                $data->expire_time = time() + 7000;
                $data->access_token = $answer->access_token;
                $this->write('access_token.php', $data);
            }
        }
        return $data->access_token;
    }

    private function ask($path)
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents($base . $path));
    }

    private function read($name)
    {
        return json_decode(trim(substr(file_get_contents($name), 15)));
    }

    private function write($name, $data)
    {
        $fp = fopen($name, 'w');
        fwrite($fp, '<?php exit();?>' . json_encode($data));
        fclose($fp);
    }
}
