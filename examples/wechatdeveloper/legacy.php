<?php
// The part of WeChatDeveloper (zoujingli/WeChatDeveloper) that keeps tokens and tickets, in a few lines: its cache
// WeChat\Contracts\Tools, which has hooks, WeChat\Contracts\BasicWeChat, and WeChat\Script. In your project it is
// the library itself.

namespace WeChat\Contracts {

    class Tools
    {
        public static $cache_path = null;
        public static $cache_callable = ['set' => null, 'get' => null, 'del' => null, 'put' => null];

        public static function setCache($name, $value = '', $expired = 3600)
        {
            if (is_callable(self::$cache_callable['set'])) {
                return (self::$cache_callable['set'])($name, $value, $expired);
            }
            $entry = ['name' => $name, 'value' => $value, 'expired' => time() + intval($expired)];
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

        public static function get($url)
        {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            return json_decode(file_get_contents(str_replace('https://api.weixin.qq.com', $base, $url)), true);
        }
    }

    class BasicWeChat
    {
        public $access_token = '';
        protected $config;
        protected $isTry = false;

        public function __construct(array $options)
        {
            $this->config = $options;
            Tools::$cache_path = $options['cache_path'];
        }

        public function getAccessToken()
        {
            [$appid, $secret] = [$this->config['appid'], $this->config['appsecret']];
            if (!$this->access_token && !($this->access_token = Tools::getCache($appid . '_access_token'))) {
                $this->access_token = Tools::get('https://api.weixin.qq.com/cgi-bin/token'
                    . "?grant_type=client_credential&appid=$appid&secret=$secret")['access_token'];
                Tools::setCache($appid . '_access_token', $this->access_token, 7000);
            }
            return $this->access_token;
        }

        public function delAccessToken()
        {
            $this->access_token = '';
            return Tools::delCache($this->config['appid'] . '_access_token');
        }

        /** Every call of an API comes here. It tries once more with a new token if WeChat rejects the token. */
        public function callGetApi($url)
        {
            $answer = Tools::get(str_replace('ACCESS_TOKEN', $this->getAccessToken(), $url));
            if (in_array($answer['errcode'] ?? 0, [40014, 40001, 41001, 42001]) && !$this->isTry) {
                $this->delAccessToken();
                $this->isTry = true;
                return $this->callGetApi($url);
            }
            return $answer;
        }
    }
}

namespace WeChat {

    use WeChat\Contracts\BasicWeChat;
    use WeChat\Contracts\Tools;

    class Script extends BasicWeChat
    {
        public function getTicket($type = 'jsapi', $appid = null)
        {
            $name = ($appid ?? $this->config['appid']) . "_ticket_$type";
            $ticket = Tools::getCache($name);
            if (empty($ticket)) {
                $url = "https://api.weixin.qq.com/cgi-bin/ticket/getticket?access_token=ACCESS_TOKEN&type=$type";
                $ticket = $this->callGetApi($url)['ticket'];
                Tools::setCache($name, $ticket, 7000);
            }
            return $ticket;
        }

        public function delTicket($type = 'jsapi', $appid = null)
        {
            Tools::delCache(($appid ?? $this->config['appid']) . "_ticket_$type");
        }
    }
}
