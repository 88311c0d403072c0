<?php

namespace WxToken\Polyfill;

/** Text from outside, as a message may contain it: one line, without what a terminal or a log would act on. */
final class Printable
{
    /** A path is the longest text that a message must hold whole. */
    private const MAX_CHARS = 4096;

    private const CHAR = '/[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}'
        . '|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/s';

    /** `$bytes` with at most so many characters; what is cut ends in "…". */
    public static function text(string $bytes, int $maxChars = self::MAX_CHARS): string
    {
        if (strlen($bytes) <= $maxChars && preg_match('/^[\x20-\x7e]*$/D', $bytes) === 1) {
            return $bytes;
        }
        preg_match_all(self::CHAR, $bytes, $chars);
        [$shown, $left, $last] = ['', $maxChars, count($chars[0]) - 1];
        foreach ($chars[0] as $index => $char) {
            $piece = self::escape($char);
            $length = strlen($piece) === strlen($char) ? 1 : strlen($piece);
            if ($length > $left || ($length === $left && $index < $last)) {
                return $shown . '…';
            }
            $left -= $length;
            $shown .= $piece;
        }
        return $shown;
    }

    /** `$text` without the secret, should it contain it; 300 characters at most. */
    public static function scrub(string $text, string $secret): string
    {
        return self::text($secret === '' ? $text : str_replace($secret, '***', $text), 300);
    }

    private static function escape(string $char): string
    {
        $named = ["\0" => '\0', "\t" => '\t', "\r" => '\r', "\n" => '\n'];
        if (isset($named[$char])) {
            return $named[$char];
        }
        if (strlen($char) === 1 && $char >= "\x80") {
            return sprintf('\x%02x', ord($char));
        }
        if ($char === ' ' || preg_match('/[\p{C}\p{Z}\p{Mn}\p{Me}]/u', $char) !== 1) {
            return $char;
        }
        return sprintf('\u{%x}', self::codePoint($char));
    }

    private static function codePoint(string $char): int
    {
        $bytes = array_map('ord', str_split($char));
        $point = count($bytes) === 1 ? $bytes[0] : $bytes[0] & (0xff >> (count($bytes) + 1));
        foreach (array_slice($bytes, 1) as $byte) {
            $point = $point << 6 | $byte & 0x3f;
        }
        return $point;
    }
}
