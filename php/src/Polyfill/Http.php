<?php

namespace WxToken\Polyfill;

/** HTTP to WeChat: the requests of one fetch, all within one time limit, by curl or else by PHP's own streams. */
final class Http
{
    /** Requests within one fetch, if WeChat is busy or cannot be connected to. */
    private const MAX_TRIES = 3;
    /** Microseconds, doubled each time. */
    private const FIRST_PAUSE = 200000;

    /** @var string[] Where to ask, in order of preference. */
    private $bases;
    /** @var float */
    private $timeout;
    /** @var int How many requests were sent. */
    public $requests = 0;

    public function __construct(string $endpoint, float $timeout)
    {
        $default = $endpoint === 'wecom' ? 'https://qyapi.weixin.qq.com' : 'https://api.weixin.qq.com';
        $bases = Settings::current()->apiBase ?: [$default];
        // A token must not be created twice: only the stable endpoint returns the same one to a second request.
        $this->bases = $endpoint === 'stable' ? $bases : array_slice($bases, 0, 1);
        $this->timeout = $timeout;
    }

    public function deadline(): float
    {
        return Clock::monotonic() + $this->timeout;
    }

    /** The fingerprint of the way to WeChat, as the extension makes it. */
    public function route(string $secret): string
    {
        $settings = Settings::current();
        $parts = $this->bases;
        if ($settings->proxy !== '') {
            $hasPassword = parse_url($settings->proxy, PHP_URL_PASS) !== null;
            array_push($parts, 'proxy', rtrim($settings->proxy, '/') . '/', $hasPassword ? $secret : '');
        }
        if ($settings->caFile !== '') {
            array_push($parts, 'ca_file', $settings->caFile);
        }
        return Fingerprint::of(...$parts);
    }

    /**
     * Asks for `$path`, with the JSON `$body` if there is one, until `$deadline`.
     *
     * @throws Failure
     */
    public function ask(string $path, ?string $body, string $granted, string $secret, float $deadline): IssuedToken
    {
        $pause = self::FIRST_PAUSE;
        for ($tries = 1;; $tries++) {
            try {
                return $this->tryEach($path, $body, $granted, $secret, $deadline);
            } catch (Failure $failure) {
                if ($tries === self::MAX_TRIES || !$failure->isWorthAnotherTry() || Clock::monotonic() + $pause / 1e6 >= $deadline) {
                    throw $failure;
                }
            }
            usleep($pause);
            $pause *= 2;
        }
    }

    /** Asks each base in turn until one can be connected to. */
    private function tryEach(string $path, ?string $body, string $granted, string $secret, float $deadline): IssuedToken
    {
        $last = Failure::network('there is no address to ask');
        foreach ($this->bases as $base) {
            try {
                return $this->askAt($base, $path, $body, $granted, $secret, $deadline);
            } catch (Failure $failure) {
                if (!$failure->isUnconnected) {
                    throw $failure;
                }
                $last = $failure;
            }
        }
        throw $last;
    }

    private function askAt(string $base, string $path, ?string $body, string $granted, string $secret, float $deadline): IssuedToken
    {
        $left = $deadline - Clock::monotonic();
        if ($left <= 0) {
            throw HttpExchange::outOfTime($base, $this->timeout);
        }
        $exchange = new HttpExchange($base, $secret, $this->timeout, $deadline);
        $this->requests++;
        try {
            [$status, $answer] = extension_loaded('curl') ? $exchange->byCurl($path, $body, $left) : $exchange->byStream($path, $body, $left);
        } catch (Failure $failure) {
            $this->requests -= $failure->isUnconnected ? 1 : 0;
            throw $failure;
        }
        if ($status !== 200) {
            throw Failure::network("$base answered with HTTP status $status. Check wx_token.api_base and wx_token.proxy");
        }
        $unusable = static function (string $why) use ($base): Failure {
            return Failure::network("the answer of $base is unusable: $why. Check wx_token.api_base and wx_token.proxy");
        };
        $members = strncmp(ltrim($answer), '{', 1) === 0 ? json_decode($answer, true) : null;
        if (!is_array($members)) {
            throw $unusable('it is not a JSON object (' . strlen($answer) . ' bytes)');
        }
        try {
            return IssuedToken::read($members, $granted, $secret);
        } catch (\DomainException $why) {
            throw $unusable($why->getMessage());
        }
    }
}
