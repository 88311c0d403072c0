<?php
// Stands for class Api of gaoming13/wechat-php-sdk, of which it has the part that gets tokens and tickets. In your
// project it is the library itself.

namespace Gaoming13\WechatPhpSdk;

class Api
{
    protected $config;

    public function __construct($config)
    {
        $this->config = $config;
    }

    public function get_access_token()
    {
        ['appId' => $appid, 'appSecret' => $secret] = $this->config;
        return $this->cached('access_token', 'access_token',
            fn () => "token?grant_type=client_credential&appid=$appid&secret=$secret");
    }

    public function get_jsapi_ticket()
    {
        return $this->cached('jsapi_ticket', 'ticket',
            fn () => 'ticket/getticket?access_token=' . $this->get_access_token() . '&type=jsapi');
    }

    /** Whether a token is still good: the library wants 20 minutes. */
    public function valid_access_token($token)
    {
        return $token && isset($token['expires_in']) && $token['expires_in'] > time() + 1200;
    }

    private function cached($name, $key, $path)
    {
        $token = json_decode((string) ($this->config["get_$name"])(), true);
        if (!$this->valid_access_token($token)) {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            $token = json_decode(file_get_contents("$base/cgi-bin/" . $path()), true);
            $token = [$key => $token[$key], 'expires_in' => $token['expires_in'] + time()];
            ($this->config["save_$name"])(json_encode($token));
        }
        return $token[$key];
    }
}
