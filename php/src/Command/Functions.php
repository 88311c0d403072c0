<?php

namespace WxToken\Command;

/** The functions of the extension or the polyfill, called with what the command line has. */
final class Functions
{
    /** @throws UsageError */
    public static function status(string $file, ?array $source = null): array
    {
        return self::call(static function () use ($file, $source) {
            return \wx_token_status($file, $source);
        });
    }

    /**
     * @throws UsageError
     * @throws \WxToken\Exception
     */
    public static function token(string $file, ?array $source): string
    {
        return self::call(static function () use ($file, $source) {
            return \wx_get_token($file, $source);
        });
    }

    /** @throws UsageError For a value that the function does not take; UnfitPath if that is the path. */
    private static function call(callable $call)
    {
        try {
            return $call();
        } catch (\ValueError $error) {
            // The functions name themselves. Any other ValueError is a bug.
            if (preg_match('/^wx_\w+\(\): Argument #(\d) \(\$(\w+)\) (.+)$/Ds', $error->getMessage(), $match) !== 1) {
                throw $error;
            }
            $message = Text::clean("the $match[2] $match[3]");
            throw $match[1] === '1' ? new UnfitPath($message) : new UsageError($message);
        }
    }
}
