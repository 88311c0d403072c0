<?php
// The part of zoujingli/wechat-php-sdk that keeps tokens and tickets, in a few lines: Wechat\Loader with its hooks,
// Wechat\Lib\Cache, Wechat\Lib\Common and Wechat\WechatScript. In your project it is the library itself.

namespace Wechat {

    use Wechat\Lib\Cache;
    use Wechat\Lib\Common;

    class Loader
    {
        public static $callback = [];

        public static function register($event, $method, $class = null)
        {
            self::$callback[$event] = $class ? [$class, $method] : $method;
        }

        public static function config($config)
        {
            Cache::$cachepath = $config['cachepath'];
            return $config + ['component_verify_ticket' => Cache::get('component_verify_ticket')];
        }
    }

    class WechatScript extends Common
    {
        public $jsapi_ticket;

        public function getJsTicket($appid = '')
        {
            $cache = 'wechat_jsapi_ticket_' . ($appid ?: $this->appid);
            $this->jsapi_ticket = Cache::get($cache);
            if (!$this->jsapi_ticket) {
                $json = $this->ask('/ticket/getticket?type=jsapi&access_token=' . $this->getAccessToken());
                $this->jsapi_ticket = $json['ticket'];
                Cache::set($cache, $this->jsapi_ticket, $json['expires_in'] - 100);
            }
            return $this->jsapi_ticket;
        }

        /** It deletes the wrong entry: the name of the entry is the AppID alone. */
        public function resetJsTicket($appid = '')
        {
            $this->jsapi_ticket = '';
            Cache::del($this->appid);
            return true;
        }
    }
}

namespace Wechat\Lib {

    use Wechat\Loader;

    class Cache
    {
        public static $cachepath;

        public static function set($name, $value, $expired = 0)
        {
            if (isset(Loader::$callback['CacheSet'])) {
                return (Loader::$callback['CacheSet'])($name, $value, $expired);
            }
            $data = ['value' => $value, 'expired' => $expired > 0 ? time() + $expired : 0];
            return file_put_contents(self::$cachepath . '/' . $name, serialize($data));
        }

        public static function get($name)
        {
            if (isset(Loader::$callback['CacheGet'])) {
                return (Loader::$callback['CacheGet'])($name);
            }
            $data = @unserialize((string) @file_get_contents(self::$cachepath . '/' . $name));
            return $data && ($data['expired'] > time() || $data['expired'] === 0) ? $data['value'] : null;
        }

        public static function del($name)
        {
            if (isset(Loader::$callback['CacheDel'])) {
                return (Loader::$callback['CacheDel'])($name);
            }
            return @unlink(self::$cachepath . '/' . $name);
        }
    }

    class Common
    {
        public $appid;
        public $appsecret;
        public $access_token;

        public function __construct($options = [])
        {
            $config = Loader::config($options);
            $this->appid = $config['appid'];
            $this->appsecret = $config['appsecret'];
        }

        public function getAccessToken()
        {
            $cache = 'wechat_access_token_' . $this->appid;
            if ($access_token = Cache::get($cache)) {
                return $this->access_token = $access_token;
            }
            if (isset(Loader::$callback['getAccessToken'])) {
                return $this->access_token = (Loader::$callback['getAccessToken'])($this, $cache);
            }
            $json = $this->ask("/token?grant_type=client_credential&appid=$this->appid&secret=$this->appsecret");
            Cache::set($cache, $json['access_token'], 5000);
            return $this->access_token = $json['access_token'];
        }

        /** The library calls it when WeChat rejects a token, and then repeats its call once. */
        public function resetAuth($appid = '')
        {
            $this->access_token = '';
            Cache::del('wechat_access_token_' . ($appid ?: $this->appid));
            return true;
        }

        protected function ask($path)
        {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            return json_decode(file_get_contents("$base/cgi-bin$path"), true);
        }
    }
}
