<?php
// A stand-in for EasyWeChat 4 and 5 (overtrue/wechat), whose classes have these names: only the methods that
// the example touches. The library's cache is a flat file here, with the library's keys and lifetimes.

namespace Psr\Http\Message {
    interface RequestInterface
    {
    }
}

namespace EasyWeChat\Kernel\Contracts {
    use Psr\Http\Message\RequestInterface;

    interface AccessTokenInterface
    {
        public function getToken(): array;

        public function refresh(): self;

        public function applyToRequest(RequestInterface $request, array $requestOptions = []): RequestInterface;
    }
}

namespace EasyWeChat\Kernel {
    use EasyWeChat\Kernel\Contracts\AccessTokenInterface;
    use Psr\Http\Message\RequestInterface;

    require_once __DIR__ . '/FlatStore.php';

    function ask(string $path, array $query): array
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents("$base/$path?" . http_build_query($query)), true);
    }

    abstract class AccessToken implements AccessTokenInterface
    {
        protected $app;
        protected $token;
        protected $endpointToGetToken;
        protected $tokenKey = 'access_token';
        protected $cachePrefix = 'easywechat.kernel.access_token.';

        public function __construct(ServiceContainer $app)
        {
            $this->app = $app;
        }

        public function getToken(bool $refresh = false): array
        {
            $cache = new \FlatStore();
            $key = $this->cachePrefix . md5(json_encode($this->getCredentials()));
            if (!$refresh && $token = $cache->get($key)) {
                return $token;
            }
            $token = ask($this->endpointToGetToken, $this->getCredentials());
            $cache->set($key, ['access_token' => $token['access_token'], 'expires_in' => 7200], $token['expires_in']);
            return $this->token = $token;
        }

        public function getLastToken(): array
        {
            return $this->token;
        }

        public function getRefreshedToken(): array
        {
            return $this->getToken(true);
        }

        public function refresh(): AccessTokenInterface
        {
            $this->getToken(true);
            return $this;
        }

        public function applyToRequest(RequestInterface $request, array $requestOptions = []): RequestInterface
        {
            return $request;
        }

        abstract protected function getCredentials(): array;
    }

    /** The real one is a Pimple container: it makes a service at the first use, and keeps it. */
    class ServiceContainer implements \ArrayAccess
    {
        private array $services = [];

        public function __construct(private array $config = [])
        {
        }

        public function rebind($id, $value)
        {
            $this->services[$id] = $value;
        }

        public function offsetExists(mixed $id): bool
        {
            return true;
        }

        public function offsetGet(mixed $id): mixed
        {
            return $this->services[$id] ??= $id === 'config' ? $this->config : $this->make($id);
        }

        public function offsetSet(mixed $id, mixed $value): void
        {
            $this->services[$id] = $value;
        }

        public function offsetUnset(mixed $id): void
        {
            unset($this->services[$id]);
        }

        public function __get($id)
        {
            return $this[$id];
        }
    }

    class BaseClient
    {
        protected $app;
        protected $accessToken;

        public function __construct(ServiceContainer $app, ?AccessTokenInterface $accessToken = null)
        {
            $this->app = $app;
            $this->accessToken = $accessToken ?? $app['access_token'];
        }

        /** A call that is rejected with 40001, 40014 or 42001 is repeated once, after refresh(). */
        public function httpGet(string $path, array $query = []): array
        {
            $call = fn () => ask($path, $query + ['access_token' => $this->accessToken->getToken()['access_token']]);
            $answer = $call();
            if (in_array($answer['errcode'] ?? 0, [40001, 40014, 42001], true)) {
                $this->accessToken->refresh();
                $answer = $call();
            }
            return $answer;
        }
    }
}

namespace EasyWeChat\BasicService\Jssdk {
    class Client extends \EasyWeChat\Kernel\BaseClient
    {
        public function getTicket(bool $refresh = false, string $type = 'jsapi'): array
        {
            $cache = new \FlatStore();
            $key = "easywechat.basic_service.jssdk.ticket.$type." . $this->app['config']['app_id'];
            if (!$refresh && $ticket = $cache->get($key)) {
                return $ticket;
            }
            $ticket = $this->httpGet('cgi-bin/ticket/getticket', ['type' => $type]);
            $cache->set($key, $ticket, $ticket['expires_in'] - 500);
            return $ticket;
        }

        public function getTicketSignature($ticket, $nonce, $timestamp, $url): string
        {
            return sha1("jsapi_ticket=$ticket&noncestr=$nonce&timestamp=$timestamp&url=$url");
        }
    }
}

namespace EasyWeChat\OfficialAccount\Auth {
    class AccessToken extends \EasyWeChat\Kernel\AccessToken
    {
        protected $endpointToGetToken = 'cgi-bin/token';

        protected function getCredentials(): array
        {
            return [
                'grant_type' => 'client_credential',
                'appid' => $this->app['config']['app_id'],
                'secret' => $this->app['config']['secret'],
            ];
        }
    }
}

namespace EasyWeChat\Work\Auth {
    class AccessToken extends \EasyWeChat\Kernel\AccessToken
    {
        protected $endpointToGetToken = 'cgi-bin/gettoken';

        protected function getCredentials(): array
        {
            return ['corpid' => $this->app['config']['corp_id'], 'corpsecret' => $this->app['config']['secret']];
        }
    }
}

namespace EasyWeChat\Work {
    class Application extends \EasyWeChat\Kernel\ServiceContainer
    {
        protected function make(string $id): object
        {
            return $id === 'access_token' ? new Auth\AccessToken($this) : new \EasyWeChat\Kernel\BaseClient($this);
        }
    }
}

namespace EasyWeChat\OfficialAccount {
    class Application extends \EasyWeChat\Kernel\ServiceContainer
    {
        protected function make(string $id): object
        {
            switch ($id) {
                case 'access_token':
                    return new Auth\AccessToken($this);
                case 'jssdk':
                    return new \EasyWeChat\BasicService\Jssdk\Client($this);
                case 'base':
                    return new \EasyWeChat\Kernel\BaseClient($this);
            }
        }
    }
}

namespace EasyWeChat {
    class Factory
    {
        public static function officialAccount(array $config): OfficialAccount\Application
        {
            return new OfficialAccount\Application($config);
        }

        public static function work(array $config): Work\Application
        {
            return new Work\Application($config);
        }
    }
}
