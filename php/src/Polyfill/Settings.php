<?php

namespace WxToken\Polyfill;

/**
 * The settings `wx_token.*`: lines of php.ini, or `-d`, which PHP keeps although no extension knows them. ini_set()
 * and the pools of php-fpm cannot change them.
 */
final class Settings
{
    private const MAX_SECONDS = 86400;

    /** The least value of each time, and its default, in seconds. */
    private const SECONDS = [
        'refresh_ahead' => [0.0, 300.0],
        'lock_timeout' => [0.0, 10.0],
        'connect_timeout' => [0.001, 3.0],
        'timeout' => [0.001, 8.0],
    ];

    /** @var self|null */
    private static $current;

    /** @var string */
    public $appid = '';
    /** @var string */
    public $secret = '';
    /** @var string The accounts file; empty if there is none. */
    public $accountsFile = '';
    /** @var string */
    public $endpoint = 'stable';
    /** @var string[] Base URLs without a slash at the end. */
    public $apiBase = [];
    /** @var float[] In seconds, by name. */
    public $seconds = [];
    /** @var string "replace" or "in_place" */
    public $writeMode = 'replace';
    /** @var int */
    public $fileMode = 0600;
    /** @var string A path, or "syslog"; empty if nothing is logged. */
    public $log = '';
    /** @var string The least severe events that are logged, as of Log. */
    public $logLevel = 'info';
    /** @var string */
    public $caFile = '';
    /** @var string */
    public $proxy = '';

    public static function current(): self
    {
        return self::$current ?? self::$current = new self();
    }

    private function __construct()
    {
        $this->appid = $this->text('appid');
        $this->secret = $this->text('secret');
        // The second is the older name.
        $this->accountsFile = $this->path('accounts_file') ?: $this->path('accounts');
        $this->caFile = $this->path('ca_file');
        $this->endpoint = $this->oneOf('endpoint', ['stable', 'classic', 'wecom'], '"stable", "classic" or "wecom"');
        $this->writeMode = $this->oneOf('write_mode', ['replace', 'in_place'], '"replace" or "in_place"');
        $this->log = $this->checked('log', '', static function (string $text): string {
            if ($text !== Log::SYSLOG && !Path::isAbsolute($text)) {
                throw new \DomainException('must be an absolute path, or "syslog"');
            }
            return $text;
        });
        $this->logLevel = $this->oneOf('log_level', ['info', 'notice', 'warning', 'error'], '"error", "warning", "notice" or "info"');
        foreach (self::SECONDS as $name => [$least, $default]) {
            $this->seconds[$name] = $this->checked($name, $default, static function (string $text) use ($least) {
                return self::duration($least, is_numeric(trim($text)) ? (float) $text : NAN);
            });
        }
        $this->fileMode = $this->checked('file_mode', 0600, static function (string $text): int {
            $mode = preg_match('/^[0-7]{1,6}$/', $text) === 1 ? octdec($text) : 0;
            if ($mode < 0600 || $mode > 0777) {
                throw new \DomainException('must be an octal mode from 0600 to 0777');
            }
            return (int) $mode;
        });
        $this->apiBase = $this->checked('api_base', [], static function (string $text): array {
            $bases = array_filter(array_map('trim', explode(',', $text)), 'strlen');
            return array_values(array_map([self::class, 'base'], $bases));
        });
        $this->proxy = $this->checked('proxy', '', static function (string $text): string {
            if (preg_match('~^https?://[^/]+/?$~', $text) !== 1) {
                throw new \DomainException('must be an http proxy, such as http://proxy.example:3128');
            }
            return $text;
        });
    }

    /** Whether print_r() and its kin show anything. */
    public function __debugInfo(): array
    {
        return [];
    }

    /**
     * A time of `$least` seconds at least.
     *
     * @throws \DomainException What it must be.
     */
    public static function duration(float $least, float $seconds): float
    {
        if (!($seconds >= $least && $seconds <= self::MAX_SECONDS)) {
            throw new \DomainException("must be a number of seconds from $least to " . self::MAX_SECONDS);
        }
        return $seconds;
    }

    /** The shortest time that `$name` may be, if a call can say it; null if not. */
    public static function leastOf(string $name): ?float
    {
        return $name === 'connect_timeout' ? null : self::SECONDS[$name][0] ?? null;
    }

    private function text(string $name): string
    {
        $value = get_cfg_var("wx_token.$name");
        return is_string($value) ? $value : '';
    }

    /** The value that `$read` makes of a setting that is set. A bad one is told of in the error log. */
    private function checked(string $name, $default, callable $read)
    {
        $text = $this->text($name);
        if ($text === '') {
            return $default;
        }
        try {
            return $read($text);
        } catch (\DomainException $why) {
            $stays = is_array($default) || $default === '' ? 'it stays empty' : 'the default is used';
            error_log("wx_token: wx_token.$name {$why->getMessage()}; $stays");
            return $default;
        }
    }

    private function path(string $name): string
    {
        return $this->checked($name, '', static function (string $text): string {
            if (!Path::isAbsolute($text)) {
                throw new \DomainException('must be an absolute path');
            }
            return $text;
        });
    }

    /** One of `$names`, the first by default. */
    private function oneOf(string $name, array $names, string $shown): string
    {
        return $this->checked($name, $names[0], static function (string $text) use ($names, $shown): string {
            if (!in_array($text, $names, true)) {
                throw new \DomainException("must be $shown");
            }
            return $text;
        });
    }

    private static function base(string $text): string
    {
        $refuse = static function (string $why): \DomainException {
            return new \DomainException("must be a list of URLs, and each $why");
        };
        $base = rtrim($text, '/');
        $url = parse_url($base);
        if ($url === false) {
            throw $refuse('must be a URL');
        }
        if (($url['host'] ?? '') === '') {
            throw $refuse('must have a host');
        }
        if (isset($url['user']) || isset($url['pass'])) {
            throw $refuse('must not contain a user or password');
        }
        if (isset($url['query']) || strpos($text, '?') !== false || strpos($text, '#') !== false) {
            throw $refuse('must not contain a query or fragment');
        }
        $isLocal = $url['scheme'] === 'http' && self::isLoopback($base);
        if ($url['scheme'] !== 'https' && !$isLocal) {
            throw $refuse('must begin with https:// (http:// only for localhost, 127.0.0.1 and [::1])');
        }
        return $base;
    }

    /** Whether the host of a base URL is this machine. */
    public static function isLoopback(string $base): bool
    {
        $host = strtolower((string) parse_url($base, PHP_URL_HOST));
        return preg_match('/^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:127(?:\.\d{1,3}){3}\])$/', $host) === 1;
    }
}
