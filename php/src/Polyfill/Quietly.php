<?php

namespace WxToken\Polyfill;

/** Runs functions of PHP's that warn, without the script's error handler. */
final class Quietly
{
    /** @var string The warnings of the last run, a line each. */
    private static $warning = '';

    /** What `$work` returns. */
    public static function run(callable $work)
    {
        self::$warning = '';
        set_error_handler(static function (int $level, string $message): bool {
            self::$warning .= "$message\n";
            return true;
        });
        try {
            return $work();
        } finally {
            restore_error_handler();
        }
    }

    /** All that the last run has warned of. */
    public static function text(): string
    {
        return self::$warning;
    }

    /** The reason in the last warning: the text of the system's error, if it has one. */
    public static function reason(): string
    {
        if (strpos(self::$warning, 'open_basedir restriction') !== false) {
            return 'open_basedir';
        }
        if (preg_match('/errno=\d+ (.*)/', self::$warning, $match) === 1) {
            return $match[1];
        }
        $warning = rtrim(self::$warning);
        $colon = strrpos($warning, ': ');
        return $colon === false ? $warning : substr($warning, $colon + 2);
    }
}
