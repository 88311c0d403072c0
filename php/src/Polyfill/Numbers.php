<?php

namespace WxToken\Polyfill;

/** Numbers of others. */
final class Numbers
{
    /** `$number` as an integer, the largest or the smallest one if it is beyond. */
    public static function whole(float $number): int
    {
        if (is_nan($number)) {
            return 0;
        }
        return $number >= 9.2e18 ? PHP_INT_MAX : ($number <= -9.2e18 ? PHP_INT_MIN : (int) $number);
    }

    /** A number in an answer, or a string that spells a whole one; null if it is none. */
    public static function inAnswer($value): ?int
    {
        if (is_float($value)) {
            // As JSON, what is not finite is null.
            return is_finite($value) ? self::whole($value) : null;
        }
        $number = is_string($value) && preg_match('/^[+-]?\d{1,40}$/D', $value) === 1 ? $value + 0 : $value;
        return is_int($number) ? $number : null;
    }
}
