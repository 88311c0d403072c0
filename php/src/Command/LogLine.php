<?php

namespace WxToken\Command;

/** A line of the refresh log. Whatever is in it comes from outside: what is read here is clean text and numbers. */
final class LogLine
{
    public const EVENTS = [
        'refreshed', 'adopted', 'stored', 'failed', 'not_stored', 'rejected', 'displaced', 'interrupted', 'lock_timeout', 'waited',
    ];

    /** As the members stand in the log. */
    private const ORDER = [
        'level', 'file', 'ticket', 'appid', 'endpoint', 'requests', 'fetch_ms', 'waited_ms', 'errcode', 'message', 'retry_at', 'failures',
        'old', 'new', 'expires_at', 'foreign', 'holder_pid', 'host', 'pid', 'sapi', 'script',
    ];

    private const TEXTS = ['level', 'file', 'ticket', 'appid', 'endpoint', 'message', 'old', 'new', 'host', 'sapi', 'script'];
    private const NUMBERS = ['requests', 'fetch_ms', 'waited_ms', 'errcode', 'failures', 'holder_pid', 'pid'];

    /** @var float Unix time. */
    public $at;
    /** @var string */
    public $event;
    /** @var bool Whether another program wrote the token that was replaced. */
    public $isForeign;
    /** @var array<string, string|int|float> The other members. */
    private $members = [];

    /** What `$line` says; null if it is no line of this log. */
    public static function read(string $line): ?self
    {
        $json = self::object($line);
        $time = is_array($json) ? self::moment($json['time'] ?? null) : null;
        if ($time === null || !in_array($json['event'] ?? null, self::EVENTS, true)) {
            return null;
        }
        $read = new self();
        [$read->at, $read->event, $read->isForeign] = [$time, $json['event'], ($json['foreign'] ?? null) === true];
        foreach (self::TEXTS as $name) {
            if (is_string($json[$name] ?? null)) {
                $read->members[$name] = Text::clean($json[$name]);
            }
        }
        foreach (self::NUMBERS as $name) {
            if (is_int($json[$name] ?? null)) {
                $read->members[$name] = $json[$name];
            }
        }
        foreach (['retry_at', 'expires_at'] as $name) {
            $moment = self::moment($json[$name] ?? null);
            if ($moment !== null) {
                $read->members[$name] = $moment;
            }
        }
        return $read;
    }

    /** Whether it is JSON at all: another program's line is not a broken one. */
    public static function isJson(string $line): bool
    {
        return self::object($line) !== null;
    }

    public function text(string $name): string
    {
        return is_string($this->members[$name] ?? null) ? $this->members[$name] : '';
    }

    public function number(string $name): ?int
    {
        return is_int($this->members[$name] ?? null) ? $this->members[$name] : null;
    }

    /** A time, in Unix seconds. */
    public function time(string $name): ?float
    {
        return is_float($this->members[$name] ?? null) ? $this->members[$name] : null;
    }

    /** @return array<string, mixed> As in the log. */
    public function toArray(): array
    {
        $line = ['time' => self::rfc3339($this->at), 'event' => $this->event];
        foreach (self::ORDER as $name) {
            $value = $name === 'foreign' && $this->isForeign ? true : $this->members[$name] ?? null;
            if ($value !== null) {
                $line[$name] = is_float($value) ? self::rfc3339($value) : $value;
            }
        }
        return $line;
    }

    public static function rfc3339(float $moment): string
    {
        $ms = (int) round($moment * 1000);
        return gmdate('Y-m-d\TH:i:s', intdiv($ms, 1000)) . sprintf('.%03dZ', $ms % 1000);
    }

    /** The object of a line, also behind what syslog writes before it. */
    private static function object(string $line): ?array
    {
        if ($line !== '' && $line[0] !== '{' && preg_match('/\bwx_token\[\d+\]: (?=\{)/', $line, $match, PREG_OFFSET_CAPTURE) === 1) {
            $line = substr($line, $match[0][1] + strlen($match[0][0]));
        }
        $json = $line !== '' && $line[0] === '{' ? json_decode($line, true, 8) : null;
        return is_array($json) ? $json : null;
    }

    private static function moment($text): ?float
    {
        if (!is_string($text) || preg_match('/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?Z$/D', $text, $match) !== 1) {
            return null;
        }
        $seconds = strtotime("$match[1] $match[2] UTC");
        return $seconds === false ? null : $seconds + (float) ($match[3] ?? 0);
    }
}
