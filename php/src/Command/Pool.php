<?php

namespace WxToken\Command;

/** A pool of php-fpm, as its configuration file has it. */
final class Pool
{
    private const FILES = [
        '/etc/php/*/fpm/pool.d/*.conf', '/etc/php-fpm.d/*.conf', '/etc/php*/php-fpm.d/*.conf', '/etc/opt/remi/php*/php-fpm.d/*.conf',
        '/usr/local/etc/php-fpm.d/*.conf', '/www/server/php/*/etc/php-fpm.conf',
    ];

    /** @var string */
    public $name;
    /** @var string */
    public $file;
    /** @var string */
    public $user = '';
    /** @var array<string, string> Settings of wx_token, without its prefix. */
    public $settings = [];
    /** @var array<string, true> Variables that the pool passes on. */
    public $variables = [];
    /** @var bool */
    public $clearsEnvironment = true;

    private function __construct(string $name, string $file)
    {
        [$this->name, $this->file] = [$name, $file];
    }

    /** @return self[] */
    public static function all(Machine $machine): array
    {
        $pools = [];
        foreach ($machine->find(...self::FILES) as $file) {
            $pool = null;
            foreach (explode("\n", (string) $machine->read($file)) as $line) {
                if (preg_match('/^\s*\[([^\]]+)\]\s*$/', $line, $match) === 1) {
                    $pool = $match[1] === 'global' ? null : new self($match[1], $file);
                    $pools = $pool === null ? $pools : array_merge($pools, [$pool]);
                } elseif ($pool !== null && preg_match('/^\s*([a-z_]+)(?:\[([^\]]+)\])?\s*=\s*("?)(.*?)\3\s*(?:;.*)?$/', $line, $match) === 1) {
                    $pool->take($match[1], $match[2], $match[4]);
                }
            }
        }
        return $pools;
    }

    private function take(string $name, string $key, string $value): void
    {
        if ($name === 'user') {
            $this->user = $value;
        } elseif ($name === 'env') {
            $this->variables[$key] = true;
        } elseif ($name === 'clear_env') {
            $this->clearsEnvironment = !in_array(strtolower($value), ['no', 'off', '0', 'false'], true);
        } elseif (preg_match('/^php_(?:admin_)?(?:value|flag)$/', $name) === 1 && strncmp($key, 'wx_token.', 9) === 0) {
            $this->settings[substr($key, 9)] = $value;
        }
    }
}
