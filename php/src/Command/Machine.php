<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** The system that is looked at: this one, or one whose root directory is mounted somewhere (a container, an image). */
final class Machine
{
    /** @var string Empty for this system. */
    public $root;

    public function __construct(string $root)
    {
        $this->root = rtrim($root, '/');
    }

    /** The text of a file; null if it cannot be read. */
    public function read(string $path, int $most = 1048576): ?string
    {
        $text = Quietly::run(function () use ($path, $most) {
            return is_file($this->root . $path) ? file_get_contents($this->root . $path, false, null, 0, $most) : false;
        });
        return is_string($text) ? $text : null;
    }

    /** @return string[] Paths on the system. */
    public function find(string ...$patterns): array
    {
        $found = [];
        foreach ($patterns as $pattern) {
            foreach (glob($this->root . $pattern) ?: [] as $path) {
                $found[] = substr($path, strlen($this->root));
            }
        }
        return array_values(array_unique($found));
    }

    /**
     * What a program says within `$limit` seconds: its exit code and its output; null if it does not run or does not end.
     *
     * @param string[] $command
     * @param array<string, string>|null $environment
     *
     * @return array{int, string, string}|null Code, standard output and standard error.
     */
    public static function run(array $command, float $limit, ?array $environment = null): ?array
    {
        $line = implode(' ', array_map('escapeshellarg', $command));
        $ends = [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']];
        $process = Quietly::run(static function () use ($line, $ends, &$pipes, $environment) {
            return proc_open("exec $line", $ends, $pipes, null, $environment);
        });
        if (!is_resource($process)) {
            return null;
        }
        $output = ['', ''];
        $deadline = microtime(true) + $limit;
        $open = [1 => $pipes[1], 2 => $pipes[2]];
        while ($open !== [] && ($left = $deadline - microtime(true)) > 0) {
            [$ready, $write, $except] = [$open, null, null];
            stream_select($ready, $write, $except, (int) $left, (int) (fmod($left, 1) * 1e6));
            foreach ($ready as $number => $pipe) {
                $part = (string) fread($pipe, 65536);
                // More than that is nothing that is looked for.
                $output[$number - 1] .= strlen($output[$number - 1]) < 1048576 ? $part : '';
                if (feof($pipe)) {
                    unset($open[$number]);
                }
            }
        }
        if ($open !== []) {
            proc_terminate($process, 9);
            proc_close($process);
            return null;
        }
        array_map('fclose', [$pipes[1], $pipes[2]]);
        return [proc_close($process), $output[0], $output[1]];
    }

    /**
     * Makes a command that starts this program again, with the options that PHP was started with.
     *
     * @param string[] $settings Further settings of PHP: name=value.
     *
     * @return string[]
     */
    public static function ownCommand(array $settings): array
    {
        global $argc;
        $words = explode("\0", rtrim((string) file_get_contents('/proc/self/cmdline'), "\0"));
        $own = array_slice($words, 1, max(0, count($words) - 1 - $argc));
        $own = array_values(array_diff($own, ['--', '-f']));
        foreach ($settings as $setting) {
            array_push($own, '-d', $setting);
        }
        return array_merge([PHP_BINARY], $own, [realpath($_SERVER['SCRIPT_FILENAME'])]);
    }
}
