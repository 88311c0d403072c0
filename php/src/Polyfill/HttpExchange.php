<?php

namespace WxToken\Polyfill;

/** One request and its answer. Certificates are verified, and redirects are not followed. */
final class HttpExchange
{
    private const MAX_BODY = 64 * 1024;

    /** By so much a time limit of PHP's may be early, in seconds. */
    private const TIMER = 0.05;

    /** The errors of curl after which nothing was sent: proxy and host not found, not connected. */
    private const CURL_UNCONNECTED = [5, 6, 7];
    private const CURL_TIMEOUT = 28;
    private const CURL_WRITE_ERROR = 23;
    private const CURL_TLS = [35, 51, 53, 54, 58, 59, 60, 66, 77, 80, 82, 83];

    /** @var string */
    private $base;
    /** @var string What must not be shown of an error. */
    private $secret;
    /** @var float */
    private $timeout;
    /** @var float */
    private $deadline;
    /** @var string A proxy; what is on this machine does not leave it. */
    private $proxy;

    public function __construct(string $base, string $secret, float $timeout, float $deadline)
    {
        $this->base = $base;
        $this->secret = $secret;
        $this->timeout = $timeout;
        $this->deadline = $deadline;
        $this->proxy = Settings::isLoopback($base) ? '' : Settings::current()->proxy;
    }

    public static function outOfTime(string $base, float $timeout): Failure
    {
        return Failure::network("$base did not answer within $timeout s. Check the network; the limit is timeout (option or wx_token.timeout)");
    }

    /**
     * Status and body of the answer to a request for `$path`, a POST if there is a `$body`.
     *
     * @return array{int, string}
     * @throws Failure
     */
    public function byCurl(string $path, ?string $body, float $left): array
    {
        $settings = Settings::current();
        $answer = '';
        $options = [
            CURLOPT_URL => $this->base . $path,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_SSL_VERIFYPEER => true,
            CURLOPT_SSL_VERIFYHOST => 2,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_USERAGENT => 'wx_token/polyfill',
            // An empty one keeps curl from those of the environment: under CGI a request header can set HTTP_PROXY.
            CURLOPT_PROXY => $this->proxy,
            CURLOPT_CONNECTTIMEOUT_MS => max(1, (int) (min($settings->seconds['connect_timeout'], $left) * 1000)),
            CURLOPT_TIMEOUT_MS => max(1, (int) ($left * 1000)),
            CURLOPT_WRITEFUNCTION => static function ($curl, string $data) use (&$answer): int {
                $answer .= $data;
                return strlen($answer) > self::MAX_BODY ? 0 : strlen($data);
            },
        ];
        if ($settings->caFile !== '') {
            $options[CURLOPT_CAINFO] = $settings->caFile;
        }
        if ($body !== null) {
            $options += [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Expect:']];
        }
        $curl = curl_init();
        curl_setopt_array($curl, $options);
        $isDone = curl_exec($curl);
        [$number, $error] = [curl_errno($curl), curl_error($curl)];
        $status = (int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        $isConnected = curl_getinfo($curl, CURLINFO_CONNECT_TIME) > 0;
        if ($isDone !== false) {
            return [$status, $answer];
        }
        if (strlen($answer) > self::MAX_BODY && $number === self::CURL_WRITE_ERROR) {
            throw $this->tooLarge();
        }
        if (in_array($number, self::CURL_UNCONNECTED, true) || ($number === self::CURL_TIMEOUT && !$isConnected)) {
            throw $this->unconnected($error, $number === 6);
        }
        if ($number === self::CURL_TIMEOUT) {
            throw self::outOfTime($this->base, $this->timeout);
        }
        if (in_array($number, self::CURL_TLS, true)) {
            throw $this->tls($error);
        }
        throw $this->brokeOff($error);
    }

    /**
     * The same by PHP's http wrapper, whose time limit counts for each read.
     *
     * @return array{int, string}
     * @throws Failure
     */
    public function byStream(string $path, ?string $body, float $left): array
    {
        if (!in_array(strtolower((string) ini_get('allow_url_fopen')), ['1', 'on', 'yes', 'true'], true)) {
            throw Failure::network('PHP has neither curl nor allow_url_fopen. Load the extension curl, or set allow_url_fopen=1');
        }
        [$handle, $status] = $this->open($path, $body, $left);
        $answer = '';
        while (!feof($handle) && strlen($answer) <= self::MAX_BODY) {
            $left = $this->deadline - Clock::monotonic();
            if ($left <= 0) {
                fclose($handle);
                throw self::outOfTime($this->base, $this->timeout);
            }
            stream_set_timeout($handle, (int) $left, (int) (fmod($left, 1) * 1e6));
            $piece = Quietly::run(static function () use ($handle) {
                return fread($handle, 8192);
            });
            if ($piece === false || ($piece === '' && stream_get_meta_data($handle)['timed_out'])) {
                fclose($handle);
                throw $piece === false ? $this->brokeOff(Quietly::reason()) : self::outOfTime($this->base, $this->timeout);
            }
            $answer .= $piece;
        }
        fclose($handle);
        if (strlen($answer) > self::MAX_BODY) {
            throw $this->tooLarge();
        }
        return [$status, $answer];
    }

    /** @return array{resource, int} */
    private function open(string $path, ?string $body, float $left): array
    {
        $settings = Settings::current();
        $http = [
            'method' => $body === null ? 'GET' : 'POST',
            'header' => "Connection: close\r\n" . ($body === null ? '' : "Content-Type: application/json\r\n"),
            'user_agent' => 'wx_token/polyfill',
            'follow_location' => 0,
            'ignore_errors' => true,
            'protocol_version' => 1.1,
            // Of the connection, and of each read until the headers are there.
            'timeout' => $left,
        ];
        $http += $body === null ? [] : ['content' => $body];
        if ($this->proxy !== '') {
            $http += ['proxy' => preg_replace('~^https?://(?:[^@/]*@)?~', 'tcp://', rtrim($this->proxy, '/')), 'request_fulluri' => true];
            $user = parse_url($this->proxy, PHP_URL_USER);
            if (is_string($user)) {
                $pair = rawurldecode($user) . ':' . rawurldecode((string) parse_url($this->proxy, PHP_URL_PASS));
                $http['header'] .= 'Proxy-Authorization: Basic ' . base64_encode($pair) . "\r\n";
            }
        }
        $ssl = ['verify_peer' => true, 'verify_peer_name' => true] + ($settings->caFile === '' ? [] : ['cafile' => $settings->caFile]);
        $context = stream_context_create(['http' => $http, 'ssl' => $ssl]);
        $headers = [];
        $handle = Quietly::run(function () use ($path, $context, &$headers) {
            $handle = fopen($this->base . $path, 'rb', false, $context);
            $headers = is_resource($handle) ? stream_get_meta_data($handle)['wrapper_data'] ?? [] : [];
            return $handle;
        });
        if ($handle === false) {
            throw $this->unopened(Quietly::text());
        }
        if (preg_match('~^HTTP/\S+ (\d{3})~', (string) ($headers[0] ?? ''), $match) !== 1) {
            throw $this->brokeOff('no headers came');
        }
        return [$handle, (int) $match[1]];
    }

    /** Why nothing came of fopen(): PHP says in text how far it got. */
    private function unopened(string $warnings): Failure
    {
        if (preg_match('/SSL operation failed.*?(?:error:\S*:)([^\n]*)|(Peer certificate[^\n]*)|(Failed to enable crypto)/s', $warnings, $match) === 1) {
            return $this->tls(trim(implode(' ', array_filter(array_slice($match, 1)))));
        }
        if (strpos($warnings, 'getaddrinfo') !== false) {
            return $this->unconnected('the name cannot be resolved', true);
        }
        if (strpos($warnings, 'request failed') !== false || $warnings === '') {
            return Clock::monotonic() >= $this->deadline - self::TIMER
                ? self::outOfTime($this->base, $this->timeout)
                : $this->brokeOff('no headers came');
        }
        $reason = preg_match('/Unable to connect to \S+ \((.*?)\)|: ([^:\n]*)\n*$/', $warnings, $match) === 1 ? end($match) : $warnings;
        return $this->unconnected($reason, false);
    }

    private function unconnected(string $why, bool $isLookup): Failure
    {
        $why = Printable::scrub($why, $this->secret);
        if ($this->proxy !== '') {
            $address = preg_replace('~//[^@/]*@~', '//', rtrim($this->proxy, '/'));
            return Failure::unconnected("cannot connect to the proxy $address on the way to $this->base: $why. Check wx_token.proxy");
        }
        $check = $isLookup ? 'DNS (/etc/resolv.conf)' : 'the firewall';
        return Failure::unconnected("cannot connect to $this->base: $why. Check $check and wx_token.api_base");
    }

    private function tls(string $why): Failure
    {
        $why = Printable::scrub($why, $this->secret);
        return Failure::network("TLS to $this->base failed: $why. Set wx_token.ca_file if a proxy or gateway has its own CA, and check the clock of this server");
    }

    private function brokeOff(string $why): Failure
    {
        $why = Printable::scrub($why, $this->secret);
        return Failure::network("the connection to $this->base broke off before the end of the answer: $why. Check proxies between this server and WeChat");
    }

    private function tooLarge(): Failure
    {
        return Failure::network("the answer of $this->base is larger than 64 KiB. Check wx_token.api_base");
    }
}
