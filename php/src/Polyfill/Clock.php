<?php

namespace WxToken\Polyfill;

/** Moments are milliseconds since 1970, as integers of 64 bits; NEVER comes after all of them. */
final class Clock
{
    public const NEVER = PHP_INT_MAX;

    /** A smaller difference between two clocks counts as none: file systems keep whole seconds, as PHP does. */
    private const LEAST_OFFSET = 3000;

    public static function now(): int
    {
        return (int) (microtime(true) * 1000);
    }

    /** Seconds since some fixed moment, whatever the wall clock is set to. */
    public static function monotonic(): float
    {
        return function_exists('hrtime') ? hrtime(true) / 1e9 : microtime(true);
    }

    /** `$moment` moved by `$span`, and never beyond what an integer can say. */
    public static function add(int $moment, int $span): int
    {
        $sum = $moment + $span;
        return is_int($sum) ? $sum : ($span > 0 ? PHP_INT_MAX : PHP_INT_MIN);
    }

    public static function fromSeconds(int $seconds): int
    {
        $moment = $seconds * 1000;
        return is_int($moment) ? $moment : ($seconds > 0 ? PHP_INT_MAX : PHP_INT_MIN);
    }

    /** Whole seconds, rounded down. */
    public static function seconds(int $moment): int
    {
        return intdiv($moment, 1000) - ($moment % 1000 < 0 ? 1 : 0);
    }

    /** Whole seconds, rounded up: who waits until then does not come too early. */
    public static function secondsUp(int $moment): int
    {
        return self::seconds(self::add($moment, 999));
    }

    /** How far a file system is ahead that has just dated something `$stamp`. */
    public static function offsetTo(int $stamp): int
    {
        $offset = $stamp - self::now();
        return abs($offset) < self::LEAST_OFFSET ? 0 : $offset;
    }
}
