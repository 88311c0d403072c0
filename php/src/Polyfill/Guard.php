<?php

namespace WxToken\Polyfill;

/** The PHP code before some JSON files: a browser that opens one shows nothing. */
final class Guard
{
    /** The guard of the JS-SDK sample's files. Its readers cut off 15 bytes without a look at them. */
    public const CODE = '<?php exit();?>';

    private const PATTERN = '/^\x{FEFF}?<\?php[ \t\r\n\f]*(?:exit|die)[ \t\r\n\f]*'
        . '(?:\([ \t\r\n\f]*(?:"[\p{L}\p{N} _.,:!-]*"|\'[\p{L}\p{N} _.,:!-]*\'|[\p{L}\p{N} _.,:!-]*)[ \t\r\n\f]*\))?[ \t\r\n\f]*;?[ \t\r\n\f]*\?>/u';

    /**
     * Splits `$text` after its guard, which is empty if there is none.
     *
     * @return array{string, string}
     */
    public static function split(string $text): array
    {
        $length = preg_match(self::PATTERN, $text, $match) === 1 ? strlen($match[0]) : 0;
        return [substr($text, 0, $length), (string) substr($text, $length)];
    }

    /** Whether `$text` is the beginning of a guard, and nothing else. */
    public static function isTorn(string $text): bool
    {
        return strlen($text) < strlen(self::CODE) && strncmp(self::CODE, $text, strlen($text)) === 0;
    }
}
