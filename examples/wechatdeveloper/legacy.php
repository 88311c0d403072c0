<?php
// The part of WeChatDeveloper that keeps tokens, cut down to what matters here: a cache of files with
// hooks, and a client that fetches a token when the cache has none.

class Tools
{
    public static $cache_path = '';
    public static $cache_callable = ['set' => null, 'get' => null, 'del' => null, 'put' => null];

    public static function setCache($name, $value, $expired = 3600)
    {
        if (is_callable(self::$cache_callable['set'])) {
            return (self::$cache_callable['set'])($name, $value, $expired);
        }
        $entry = ['name' => $name, 'value' => $value, 'expired' => time() + $expired];
        file_put_contents(self::$cache_path . '/' . $name, serialize($entry));
    }

    public static function getCache($name)
    {
        if (is_callable(self::$cache_callable['get'])) {
            return (self::$cache_callable['get'])($name);
        }
        $entry = @unserialize((string) @file_get_contents(self::$cache_path . '/' . $name));
        if (isset($entry['expired']) && ($entry['expired'] == 0 || $entry['expired'] >= time())) {
            return $entry['value'];
        }
        self::delCache($name);
        return null;
    }

    public static function delCache($name)
    {
        if (is_callable(self::$cache_callable['del'])) {
            return (self::$cache_callable['del'])($name);
        }
        return @unlink(self::$cache_path . '/' . $name);
    }
}

class WeChatClient
{
    private $appid;
    private $secret;
    private $token = '';

    public function __construct(array $options)
    {
        $this->appid = $options['appid'];
        $this->secret = $options['appsecret'];
        Tools::$cache_path = $options['cache_path'];
    }

    public function getAccessToken()
    {
        return $this->token = $this->token ?: Tools::getCache($this->appid . '_access_token') ?: $this->fetch();
    }

    /** What it does when WeChat answers 40001, before it asks for a token again. */
    public function delAccessToken()
    {
        $this->token = '';
        return Tools::delCache($this->appid . '_access_token');
    }

    private function fetch()
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
            'grant_type' => 'client_credential',
            'appid' => $this->appid,
            'secret' => $this->secret,
        ])), true);
        Tools::setCache($this->appid . '_access_token', $answer['access_token'], 7000);
        return $answer['access_token'];
    }
}
