<?php

namespace WxToken\Polyfill;

/** Files that are not read: what they seem to be, and where their token belongs instead. */
final class UnknownFile
{
    private const RECIPE = 'Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe';

    public static function isSerializedArray(string $bytes): bool
    {
        return preg_match('/^a:\d+:\{/', $bytes) === 1;
    }

    /** Why a file is rejected whose `$text` has no white space around it. */
    public static function describe(string $text): Refusal
    {
        $library = self::library($text);
        if ($library !== null) {
            return new Refusal("it is a cache file of $library", self::RECIPE);
        }
        if (preg_match('/^<\?(?:php|=| )/', $text) === 1) {
            return new Refusal(
                'it is PHP code, which wx_token neither runs nor writes',
                'Pass the path of a new file, and let code that includes this one call wx_get_token()'
            );
        }
        if (Refusal::looksLikeToken($text) && TextFile::isAlone($text)) {
            return new Refusal(
                'it seems to contain only a token',
                "Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification"
            );
        }
        if ($text[0] === '[' && substr($text, -1) === ']') {
            return new Refusal('it is a JSON array without keys', 'Pass the path of a new file, or check the path');
        }
        if ($text[0] === '"') {
            return new Refusal('it is a JSON string, and no expiry', 'Pass the path of a new file, or check the path');
        }
        if (preg_match('/^\d{9,}$/D', $text) === 1) {
            return new Refusal(
                'it contains only a number, as the second of two text files does',
                "Pass the path of the file with the token and 'layout' => 'plain', or the path of a new file"
            );
        }
        if (self::hasToken($text)) {
            return new Refusal('it seems to contain a token, in a format that is not supported');
        }
        return Refusal::foreign('it is neither JSON nor serialize() data');
    }

    public static function notUtf8(string $bytes): Refusal
    {
        return self::isSerializedArray($bytes)
            ? new Refusal('its serialize() data is not UTF-8')
            : Refusal::foreign('it is not UTF-8 text');
    }

    /** Why a file is rejected that has `$content` behind its guard. */
    public static function behindGuard(string $content): Refusal
    {
        return self::hasToken($content)
            ? new Refusal('after its guard it seems to contain a token, but no JSON object')
            : Refusal::foreign('after its guard there is no JSON object');
    }

    /** Whether a token seems to stand somewhere in `$text`. */
    private static function hasToken(string $text): bool
    {
        return strpos($text, 'access_token') !== false
            || preg_match('/(?<![^\s|,;:&=\'"<>\[\]{}()])[^\s|,;:&=\'"<>\[\]{}()\x00-\x20\x7f-\xff]{32,}(?![^\s|,;:&=\'"<>\[\]{}()])/', $text) === 1;
    }

    /** The library whose cache writes files that begin so. */
    private static function library(string $text): ?string
    {
        $value = '(?:[saOidb]:|N;)';
        if (preg_match('/^<\?php\s*(.*)$/sD', $text, $match) === 1) {
            $code = $match[1];
            $isReturn = preg_match('/^return.*(?:\'lifetime\'|PHP_INT_MAX)/s', $code) === 1;
            if (preg_match('~^//\d{12}~', $code) === 1) {
                return 'ThinkPHP';
            }
            if ($isReturn && strpos($text, "'lifetime'") !== false) {
                return 'Doctrine';
            }
            return $isReturn || preg_match('~^//\s*wx~', $code) === 1 ? 'Symfony' : null;
        }
        // The expiry in ten digits, and the value at once.
        if (preg_match("/^\\d{10}$value/", $text) === 1) {
            return 'Laravel';
        }
        if (preg_match("/^\\s*\\d+\\s*?\\n$value/", $text) === 1) {
            return 'Doctrine';
        }
        return preg_match("/^\\s*\\d+\\s*?\\n[^\\n]*\\n$value/", $text) === 1 ? 'Symfony' : null;
    }
}
