<?php
// Stands for class Wechat of dodgepudding/wechat-php-sdk (wechat.class.php), of which it has the part that keeps
// tokens and tickets. In your project it is the library itself.

class Wechat
{
    private $appid;
    private $appsecret;
    private $access_token;
    private $jsapi_ticket;
    private $api_ticket;

    public function __construct($options)
    {
        $this->appid = $options['appid'];
        $this->appsecret = $options['appsecret'];
    }

    /** These three are for a subclass. */
    protected function setCache($cachename, $value, $expired)
    {
        return false;
    }

    protected function getCache($cachename)
    {
        return false;
    }

    protected function removeCache($cachename)
    {
        return false;
    }

    /** Every call of an API begins with it, unless the object has a token already. */
    public function checkAuth($appid = '', $appsecret = '', $token = '')
    {
        $appid = $appid ?: $this->appid;
        $appsecret = $appsecret ?: $this->appsecret;
        return $this->access_token = $token ?: $this->cached("wechat_access_token$appid", 'access_token',
            "/token?grant_type=client_credential&appid=$appid&secret=$appsecret");
    }

    /** For a token that WeChat rejected. The library leaves it to its user to call this, and to try again. */
    public function resetAuth($appid = '')
    {
        $this->access_token = '';
        $this->removeCache('wechat_access_token' . ($appid ?: $this->appid));
        return true;
    }

    public function getJsTicket($appid = '', $jsapi_ticket = '')
    {
        if (!$this->access_token && !$this->checkAuth()) {
            return false;
        }
        return $this->jsapi_ticket = $jsapi_ticket ?: $this->cached('wechat_jsapi_ticket' . ($appid ?: $this->appid),
            'ticket', "/ticket/getticket?type=jsapi&access_token=$this->access_token");
    }

    public function getJsCardTicket($appid = '', $api_ticket = '')
    {
        if (!$this->access_token && !$this->checkAuth()) {
            return false;
        }
        return $this->api_ticket = $api_ticket ?: $this->cached('wechat_api_ticket_wxcard' . ($appid ?: $this->appid),
            'ticket', "/ticket/getticket?type=wx_card&access_token=$this->access_token");
    }

    public function resetJsTicket($appid = '')
    {
        $this->jsapi_ticket = '';
        $this->removeCache('wechat_jsapi_ticket' . ($appid ?: $this->appid));
        return true;
    }

    private function cached($cachename, $key, $path)
    {
        $value = $this->getCache($cachename);
        if (!$value) {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            $json = json_decode(file_get_contents("$base/cgi-bin$path"), true);
            $value = $json[$key];
            $this->setCache($cachename, $value, $json['expires_in'] - 100);
        }
        return $value;
    }
}
