<?php
// Stands for the parts of thenbsp/wechat and doctrine/cache 1.x that keep tokens and tickets: Wechat\AccessToken,
// Wechat\Jsapi\Ticket, and the interface Cache with FilesystemCache. In your project these are the packages.

namespace Doctrine\Common\Cache {

    interface Cache
    {
        public function fetch($id);

        public function contains($id);

        public function save($id, $data, $lifeTime = 0);

        public function delete($id);

        public function getStats();
    }

    /** A file has its expiry in the first line, then serialize() data. (The package uses folders and longer names.) */
    class FilesystemCache implements Cache
    {
        public function __construct(private $directory)
        {
        }

        public function fetch($id)
        {
            [$expiry, $data] = explode("\n", (string) @file_get_contents($this->file($id)), 2) + ['-1', ''];
            return $expiry === '0' || $expiry >= time() ? unserialize($data) : false;
        }

        public function contains($id)
        {
            return $this->fetch($id) !== false;
        }

        public function save($id, $data, $lifeTime = 0)
        {
            $expiry = $lifeTime > 0 ? time() + $lifeTime : 0;
            return (bool) file_put_contents($this->file($id), $expiry . "\n" . serialize($data));
        }

        public function delete($id)
        {
            return @unlink($this->file($id));
        }

        public function getStats()
        {
            return null;
        }

        private function file($id)
        {
            return "$this->directory/$id.doctrinecache.data";
        }
    }
}

namespace Thenbsp\Wechat\Bridge {

    use Doctrine\Common\Cache\Cache;

    trait CacheTrait
    {
        protected $cache;

        public function setCache(Cache $cache)
        {
            $this->cache = $cache;
        }

        public function clearFromCache()
        {
            return $this->cache ? $this->cache->delete($this->getCacheId()) : false;
        }

        protected function cached($key, $fetch)
        {
            if ($this->cache && $data = $this->cache->fetch($this->getCacheId())) {
                return $data[$key];
            }
            $response = $fetch();
            if ($this->cache) {
                $this->cache->save($this->getCacheId(), $response, $response['expires_in']);
            }
            return $response[$key];
        }

        protected function ask($path, $query)
        {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            return json_decode(file_get_contents($base . $path . '?' . http_build_query($query)), true);
        }
    }
}

namespace Thenbsp\Wechat\Wechat {

    class AccessToken extends \ArrayObject
    {
        use \Thenbsp\Wechat\Bridge\CacheTrait;

        public function __construct($appid, $appsecret)
        {
            parent::__construct(['appid' => $appid, 'appsecret' => $appsecret]);
        }

        public function getTokenString()
        {
            return $this->cached('access_token', fn () => $this->getTokenResponse());
        }

        /** Fetches a token, without the cache. */
        public function getTokenResponse()
        {
            $account = ['appid' => $this['appid'], 'secret' => $this['appsecret']];
            return $this->ask('/cgi-bin/token', ['grant_type' => 'client_credential'] + $account);
        }

        public function getCacheId()
        {
            return $this['appid'] . '_access_token';
        }
    }
}

namespace Thenbsp\Wechat\Wechat\Jsapi {

    use Thenbsp\Wechat\Wechat\AccessToken;

    class Ticket
    {
        use \Thenbsp\Wechat\Bridge\CacheTrait;

        public function __construct(protected AccessToken $accessToken)
        {
        }

        public function getTicketString()
        {
            return $this->cached('ticket', fn () => $this->getTicketResponse());
        }

        /** Fetches a ticket, without the cache. */
        public function getTicketResponse()
        {
            $token = $this->accessToken->getTokenString();
            return $this->ask('/cgi-bin/ticket/getticket', ['access_token' => $token, 'type' => 'jsapi']);
        }

        public function getCacheId()
        {
            return $this->accessToken['appid'] . '_jsapi_ticket';
        }
    }
}
