<?php

namespace WxToken\Command;

use WxToken\Polyfill\Printable;

/** Text on a terminal: how wide it is, and how it is cut, wrapped and padded. */
final class Text
{
    /** Two columns wide: East Asian Width W and F (Unicode's EastAsianWidth.txt), and emoji. */
    private const WIDE = '/[\x{1100}-\x{115f}\x{231a}\x{231b}\x{2329}\x{232a}\x{23e9}-\x{23ec}\x{23f0}\x{23f3}\x{25fd}\x{25fe}'
        . '\x{2614}\x{2615}\x{2648}-\x{2653}\x{267f}\x{2693}\x{26a1}\x{26aa}\x{26ab}\x{26bd}\x{26be}\x{26c4}\x{26c5}\x{26ce}\x{26d4}'
        . '\x{26ea}\x{26f2}\x{26f3}\x{26f5}\x{26fa}\x{26fd}\x{2705}\x{270a}\x{270b}\x{2728}\x{274c}\x{274e}\x{2753}-\x{2755}\x{2757}'
        . '\x{2795}-\x{2797}\x{27b0}\x{27bf}\x{2b1b}\x{2b1c}\x{2b50}\x{2b55}\x{2e80}-\x{303e}\x{3041}-\x{a4cf}\x{a960}-\x{a97f}'
        . '\x{ac00}-\x{d7a3}\x{f900}-\x{faff}\x{fe10}-\x{fe19}\x{fe30}-\x{fe6f}\x{ff01}-\x{ff60}\x{ffe0}-\x{ffe6}\x{16fe0}-\x{18aff}'
        . '\x{1b000}-\x{1b2ff}\x{1f004}\x{1f0cf}\x{1f18e}\x{1f191}-\x{1f19a}\x{1f200}-\x{1f320}\x{1f32d}-\x{1f64f}\x{1f680}-\x{1f6fc}'
        . '\x{1f7e0}-\x{1f7eb}\x{1f90c}-\x{1f9ff}\x{1fa70}-\x{1faff}\x{20000}-\x{3fffd}]/u';

    /** Text from outside, as one line without what a terminal would act on. */
    public static function clean(string $bytes, int $maxChars = 4096): string
    {
        return Printable::text($bytes, $maxChars);
    }

    /** Columns of clean text. */
    public static function width(string $text): int
    {
        return (int) preg_match_all('/./us', $text) + (int) preg_match_all(self::WIDE, $text);
    }

    public static function pad(string $text, int $width): string
    {
        return $text . str_repeat(' ', max(0, $width - self::width($text)));
    }

    /** `$text` in `$width` columns: the middle of a path says less than its ends. */
    public static function shorten(string $text, int $width): string
    {
        if (self::width($text) <= $width) {
            return $text;
        }
        $tail = intdiv($width * 2, 3);
        $end = self::reversed(self::start(self::reversed($text), $tail));
        return self::start($text, max(0, $width - 1 - self::width($end))) . '…' . $end;
    }

    /**
     * The lines of `$text` in `$width` columns: broken at spaces, and within a word only if that alone is too wide.
     *
     * @return string[]
     */
    public static function wrap(string $text, int $width): array
    {
        $width = max(8, $width);
        $lines = [''];
        foreach (explode(' ', $text) as $word) {
            $last = count($lines) - 1;
            $line = $lines[$last] === '' ? $word : "$lines[$last] $word";
            if (self::width($line) <= $width) {
                $lines[$last] = $line;
                continue;
            }
            if ($lines[$last] === '') {
                array_pop($lines);
            }
            while (self::width($word) > $width) {
                $start = self::start($word, $width);
                $lines[] = $start;
                $word = substr($word, strlen($start));
            }
            $lines[] = $word;
        }
        return $lines;
    }

    /** A span as people say it: "1 h 58 min". */
    public static function duration(int $seconds): string
    {
        $seconds = max(0, $seconds);
        if ($seconds < 60) {
            return "$seconds s";
        }
        $units = [[86400, 'd', 3600, 'h'], [3600, 'h', 60, 'min'], [60, 'min', 1, 's']];
        foreach ($units as [$large, $name, $small, $smallName]) {
            if ($seconds >= $large) {
                $rest = intdiv($seconds % $large, $small);
                return intdiv($seconds, $large) . " $name" . ($rest === 0 ? '' : " $rest $smallName");
            }
        }
        return "$seconds s";
    }

    public static function milliseconds(int $ms): string
    {
        return $ms < 10000 ? "$ms ms" : self::duration(intdiv($ms, 1000));
    }

    public static function count(int $count, string $thing, ?string $things = null): string
    {
        return "$count " . ($count === 1 ? $thing : $things ?? "{$thing}s");
    }

    /** The one of `$names` that `$name` may be a misspelling of. */
    public static function nearest(string $name, array $names): ?string
    {
        $distances = [];
        foreach ($names as $other) {
            $distances[$other] = levenshtein(substr($name, 0, 40), (string) $other);
        }
        asort($distances);
        $nearest = key($distances);
        return $nearest !== null && $distances[$nearest] <= 2 ? (string) $nearest : null;
    }

    /** As many characters as fit into `$width` columns, one at least. */
    private static function start(string $text, int $width): string
    {
        preg_match_all('/./us', $text, $chars);
        $start = '';
        foreach ($chars[0] as $char) {
            $next = $start . $char;
            if ($start !== '' && self::width($next) > $width) {
                break;
            }
            $start = $next;
        }
        return $start;
    }

    private static function reversed(string $text): string
    {
        preg_match_all('/./us', $text, $chars);
        return implode('', array_reverse($chars[0]));
    }
}
