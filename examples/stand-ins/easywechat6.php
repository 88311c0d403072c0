<?php
// A stand-in for EasyWeChat 6 (w7corp/easywechat), whose classes have these names: only the methods that the
// example touches. The library's cache is a flat file here, with the library's keys and lifetimes. A project's
// vendor/autoload.php would load wx-token/php and Symfony's HTTP client, which is Debian's php-symfony-http-client here.

namespace {
    const SYMFONY_HTTP_CLIENT = '/usr/share/php/Symfony/Component/HttpClient/autoload.php';

    is_file(SYMFONY_HTTP_CLIENT) && require_once SYMFONY_HTTP_CLIENT;
    spl_autoload_register(function (string $class) {
        $file = __DIR__ . '/../../php/src/' . strtr(substr($class, strlen('WxToken\\')), '\\', '/') . '.php';
        str_starts_with($class, 'WxToken\\') && is_file($file) && require $file;
    });
}

namespace EasyWeChat\Kernel\Contracts {
    interface AccessToken
    {
        public function getToken(): string;

        public function toQuery(): array;
    }

    interface RefreshableAccessToken extends AccessToken
    {
        public function refresh(): string;
    }

    interface JsApiTicket
    {
        public function getTicket(): string;

        public function configSignature(string $url, string $nonce, int $timestamp): array;
    }

    interface RefreshableJsApiTicket extends JsApiTicket
    {
        public function refreshTicket(): string;
    }
}

namespace StandIn {
    use EasyWeChat\Kernel\Contracts\AccessToken;
    use Symfony\Component\HttpClient\HttpClient;
    use Symfony\Contracts\HttpClient\HttpClientInterface;

    require_once __DIR__ . '/FlatStore.php';

    /** In the place of EasyWeChat\Kernel\HttpClient\AccessTokenAwareClient, and of its response. */
    final class Client
    {
        private array $answer = [];

        public function __construct(private ?AccessToken $accessToken = null, private ?HttpClientInterface $client = null)
        {
        }

        public function get(string $path, array $options = []): self
        {
            return $this->request('GET', $path, $options);
        }

        public function request(string $method, string $path, array $options = []): self
        {
            $query = ($options['query'] ?? []) + ($this->accessToken?->toQuery() ?? []);
            if ($this->client) {
                $client = clone $this;
                $client->answer = $this->client->request($method, $path, ['query' => $query])->toArray(false);
                return $client;
            }
            // The emulator has no third-party platform: its /cgi-bin/token makes those tokens, too.
            $platform = match ($path) {
                'cgi-bin/component/api_component_token' => 'component_access_token',
                'cgi-bin/component/api_authorizer_token' => 'authorizer_access_token',
                default => null,
            };
            if ($platform) {
                $path = 'cgi-bin/token';
                $query = ['grant_type' => 'client_credential', 'appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
            }
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            $client = clone $this;
            $client->answer = json_decode(file_get_contents("$base/$path?" . http_build_query($query)), true);
            if ($platform && isset($client->answer['access_token'])) {
                $client->answer[$platform] = $client->answer['access_token'];
                unset($client->answer['access_token']);
            }
            return $client;
        }

        public function toArray(bool $throw = true): array
        {
            return $this->answer;
        }
    }

    /** What the Application classes have in common. */
    abstract class Application
    {
        protected ?AccessToken $accessToken = null;
        protected $ticket = null;
        private ?HttpClientInterface $httpClient = null;

        public function __construct(protected array $config)
        {
        }

        public function setAccessToken(AccessToken $accessToken): static
        {
            $this->accessToken = $accessToken;
            return $this;
        }

        public function getClient(): Client
        {
            return new Client($this->getAccessToken(), $this->httpClient);
        }

        public function getHttpClient()
        {
            return $this->httpClient ?? HttpClient::create(['base_uri' => getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com']);
        }

        public function setHttpClient(HttpClientInterface $httpClient): static
        {
            $this->httpClient = $httpClient;
            return $this;
        }

        abstract public function getAccessToken(): AccessToken;
    }

    /** What the library does for each token and ticket: no lock, and the whole lifetime for any answer. */
    function cached(string $key, string $name, int $margin, callable $fetch): string
    {
        $cache = new \FlatStore();
        $value = $cache->get($key);
        if (!$value) {
            $answer = $fetch();
            $value = $answer[$name];
            $cache->set($key, $value, $answer['expires_in'] - $margin);
        }
        return $value;
    }
}

namespace EasyWeChat\OfficialAccount {
    use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;
    use EasyWeChat\Kernel\Contracts\RefreshableJsApiTicket;
    use StandIn\Client;

    class AccessToken implements RefreshableAccessToken
    {
        const CACHE_KEY_PREFIX = 'official_account';

        public function __construct(protected string $appId, protected string $secret)
        {
        }

        public function getKey(): string
        {
            return static::CACHE_KEY_PREFIX . ".access_token.$this->appId.$this->secret.0";
        }

        public function getToken(): string
        {
            return \StandIn\cached($this->getKey(), 'access_token', 0, fn () => (new Client())->get('cgi-bin/token', ['query' => [
                'grant_type' => 'client_credential',
                'appid' => $this->appId,
                'secret' => $this->secret,
            ]])->toArray(false));
        }

        public function toQuery(): array
        {
            return ['access_token' => $this->getToken()];
        }

        public function refresh(): string
        {
            (new \FlatStore())->delete($this->getKey());
            return $this->getToken();
        }
    }

    class JsApiTicket extends AccessToken implements RefreshableJsApiTicket
    {
        private ?Client $client = null;

        public function __construct(string $appId, string $secret, ?string $key = null, $cache = null, $httpClient = null)
        {
            parent::__construct($appId, $secret);
            $this->client = $httpClient;
        }

        public function getKey(): string
        {
            return "official_account.jsapi_ticket.$this->appId";
        }

        public function getTicket(): string
        {
            return \StandIn\cached($this->getKey(), 'ticket', 0, fn () =>
                $this->client->get('cgi-bin/ticket/getticket', ['query' => ['type' => 'jsapi']])->toArray(false));
        }

        public function refreshTicket(): string
        {
            (new \FlatStore())->delete($this->getKey());
            return $this->getTicket();
        }

        public function configSignature(string $url, string $nonce, int $timestamp): array
        {
            return [
                'url' => $url,
                'nonceStr' => $nonce,
                'timestamp' => $timestamp,
                'appId' => $this->appId,
                'signature' => sha1("jsapi_ticket={$this->getTicket()}&noncestr=$nonce&timestamp=$timestamp&url=$url"),
            ];
        }
    }

    class Application extends \StandIn\Application
    {
        public function getAccessToken(): \EasyWeChat\Kernel\Contracts\AccessToken
        {
            return $this->accessToken ??= new AccessToken($this->config['app_id'], $this->config['secret']);
        }

        public function getTicket(): RefreshableJsApiTicket
        {
            return $this->ticket
                ??= new JsApiTicket($this->config['app_id'], $this->config['secret'], httpClient: $this->getClient());
        }

        public function setTicket(RefreshableJsApiTicket $ticket): static
        {
            $this->ticket = $ticket;
            return $this;
        }
    }
}

namespace EasyWeChat\MiniApp {
    class AccessToken extends \EasyWeChat\OfficialAccount\AccessToken
    {
        const CACHE_KEY_PREFIX = 'mini_app';
    }

    class Application extends \StandIn\Application
    {
        public function getAccessToken(): \EasyWeChat\Kernel\Contracts\AccessToken
        {
            return $this->accessToken ??= new AccessToken($this->config['app_id'], $this->config['secret']);
        }
    }
}

namespace EasyWeChat\Work {
    use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;
    use StandIn\Client;

    class AccessToken implements RefreshableAccessToken
    {
        public function __construct(protected string $corpId, protected string $secret)
        {
        }

        public function getKey(): string
        {
            return "work.access_token.$this->corpId.$this->secret";
        }

        public function getToken(): string
        {
            return \StandIn\cached($this->getKey(), 'access_token', 0, fn () => (new Client())->get('cgi-bin/gettoken', [
                'query' => ['corpid' => $this->corpId, 'corpsecret' => $this->secret],
            ])->toArray(false));
        }

        public function toQuery(): array
        {
            return ['access_token' => $this->getToken()];
        }

        public function refresh(): string
        {
            (new \FlatStore())->delete($this->getKey());
            return $this->getToken();
        }
    }

    class JsApiTicket
    {
        private ?Client $client = null;

        public function __construct(protected string $corpId, ?string $key = null, $cache = null, $httpClient = null)
        {
            $this->client = $httpClient;
        }

        public function getTicket(): string
        {
            return \StandIn\cached("work.jsapi_ticket.$this->corpId", 'ticket', 0, fn () =>
                $this->client->get('cgi-bin/get_jsapi_ticket')->toArray(false));
        }

        public function getAgentTicket(int $agentId): string
        {
            return \StandIn\cached("work.jsapi_ticket.$this->corpId.$agentId", 'ticket', 0, fn () =>
                $this->client->get('cgi-bin/ticket/get', ['query' => ['type' => 'agent_config']])->toArray(false));
        }

        public function createConfigSignature(string $url, string $nonce, int $timestamp): array
        {
            return [
                'appId' => $this->corpId,
                'nonceStr' => $nonce,
                'timestamp' => $timestamp,
                'url' => $url,
                'signature' => sha1("jsapi_ticket={$this->getTicket()}&noncestr=$nonce&timestamp=$timestamp&url=$url"),
            ];
        }

        public function createAgentConfigSignature(int $agentId, string $url, string $nonce, int $timestamp): array
        {
            $ticket = $this->getAgentTicket($agentId);
            return [
                'corpid' => $this->corpId,
                'agentid' => $agentId,
                'nonceStr' => $nonce,
                'timestamp' => $timestamp,
                'url' => $url,
                'signature' => sha1("jsapi_ticket=$ticket&noncestr=$nonce&timestamp=$timestamp&url=$url"),
            ];
        }
    }

    class Application extends \StandIn\Application
    {
        public function getAccessToken(): \EasyWeChat\Kernel\Contracts\AccessToken
        {
            return $this->accessToken ??= new AccessToken($this->config['corp_id'], $this->config['secret']);
        }

        public function getTicket(): JsApiTicket
        {
            return $this->ticket ??= new JsApiTicket($this->config['corp_id'], httpClient: $this->getClient());
        }

        public function setTicket(JsApiTicket $ticket): static
        {
            $this->ticket = $ticket;
            return $this;
        }
    }
}

namespace EasyWeChat\OpenPlatform {
    use EasyWeChat\Kernel\Contracts\AccessToken;
    use EasyWeChat\OfficialAccount\Application as OfficialAccount;
    use StandIn\Client;

    class VerifyTicket
    {
        public function getTicket(): string
        {
            return 'ticket@@@that-wechat-pushed';
        }
    }

    class ComponentAccessToken implements AccessToken
    {
        public function __construct(private string $appId)
        {
        }

        public function getToken(): string
        {
            return \StandIn\cached("open_platform.component_access_token.$this->appId", 'component_access_token', 100, fn () =>
                (new Client())->request('POST', 'cgi-bin/component/api_component_token')->toArray(false));
        }

        public function toQuery(): array
        {
            return ['component_access_token' => $this->getToken()];
        }
    }

    class AuthorizerAccessToken implements AccessToken, \Stringable
    {
        public function __construct(protected string $appId, protected string $accessToken)
        {
        }

        public function getAppId(): string
        {
            return $this->appId;
        }

        public function getToken(): string
        {
            return $this->accessToken;
        }

        public function __toString(): string
        {
            return $this->accessToken;
        }

        public function toQuery(): array
        {
            return ['access_token' => $this->getToken()];
        }
    }

    class Application extends \StandIn\Application
    {
        private ?AccessToken $componentAccessToken = null;

        public function getAccessToken(): AccessToken
        {
            return $this->getComponentAccessToken();
        }

        public function getHttpClient()
        {
            return new Client();
        }

        public function getVerifyTicket(): VerifyTicket
        {
            return new VerifyTicket();
        }

        public function getComponentAccessToken(): AccessToken
        {
            return $this->componentAccessToken ??= new ComponentAccessToken($this->config['app_id']);
        }

        public function setComponentAccessToken(AccessToken $componentAccessToken): static
        {
            $this->componentAccessToken = $componentAccessToken;
            return $this;
        }

        public function refreshAuthorizerToken(string $authorizerAppId, string $authorizerRefreshToken): array
        {
            return $this->getClient()->request('POST', 'cgi-bin/component/api_authorizer_token')->toArray(false);
        }

        public function getOfficialAccountWithRefreshToken(string $appId, string $refreshToken, array $config = []): OfficialAccount
        {
            $key = "open-platform.authorizer_access_token.$appId." . md5($refreshToken);
            $token = \StandIn\cached($key, 'authorizer_access_token', 500, fn () =>
                $this->refreshAuthorizerToken($appId, $refreshToken));
            return $this->getOfficialAccount(new AuthorizerAccessToken($appId, $token), $config);
        }

        public function getOfficialAccount(AuthorizerAccessToken $authorizerAccessToken, array $config = []): OfficialAccount
        {
            $app = new OfficialAccount($config + ['app_id' => $authorizerAccessToken->getAppId()]);
            return $app->setAccessToken($authorizerAccessToken);
        }
    }
}
