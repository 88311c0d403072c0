<?php

namespace WxToken\Command;

/** Host and port of a URL, and whether TLS is spoken there. */
final class Address
{
    /** @var string */
    public $host;
    /** @var int */
    public $port;
    /** @var bool */
    public $isTls;

    public function __construct(string $host, int $port, bool $isTls)
    {
        [$this->host, $this->port, $this->isTls] = [$host, $port, $isTls];
    }

    /** That of a base URL; null if it is none. */
    public static function of(string $url): ?self
    {
        $parts = parse_url($url);
        if (!is_array($parts) || !isset($parts['host'])) {
            return null;
        }
        $isTls = strtolower($parts['scheme'] ?? '') === 'https';
        return new self(trim($parts['host'], '[]'), $parts['port'] ?? ($isTls ? 443 : 80), $isTls);
    }

    public function __toString(): string
    {
        return (strpos($this->host, ':') === false ? $this->host : "[{$this->host}]") . ":{$this->port}";
    }

    /** Whether no name has to be looked up. */
    public function isNumeric(): bool
    {
        // Not filter_var(): a PHP may be without that extension.
        return preg_match('/^[0-9a-f.:]+$/Di', $this->host) === 1 && @inet_pton($this->host) !== false;
    }
}
