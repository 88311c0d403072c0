<?php

namespace WxToken\Command;

/** JSON as one line, whatever bytes are in it. */
final class Json
{
    public static function line($value): string
    {
        return self::of($value) . "\n";
    }

    public static function of($value): string
    {
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
        return (string) json_encode($value, $flags);
    }
}
