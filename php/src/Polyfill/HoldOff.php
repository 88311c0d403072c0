<?php

namespace WxToken\Polyfill;

/** How long a due token is left alone, because WeChat would only return the same one. In milliseconds. */
final class HoldOff
{
    /** WeChat answers with the same stable token until so long before its expiry. */
    private const STABLE_RENEWAL = 300000;

    private const SHORTEST = 1000;

    /** Lifetimes are rounded down to seconds, so a stored expiry is early by up to this. */
    private const ROUNDING = 2000;

    /** The hold-off time of a new token that is due already; null if it is not. */
    public static function ofNew(Token $token, float $refreshAhead): ?int
    {
        $now = Clock::now();
        return Clock::add($token->expiry, -$now) <= $refreshAhead * 1000 ? self::end($token->expiry, $now) : null;
    }

    /** Whether `$token` has only just become due, or is held off until `$notBefore`, as its file says. */
    public static function holds(Token $token, ?int $notBefore, float $refreshAhead): bool
    {
        $now = Clock::now();
        $grace = min(self::ROUNDING, $refreshAhead * 250);
        if ($now < $token->dueAt($refreshAhead) + $grace) {
            return true;
        }
        // A later time comes from another token, or from a clock that was ahead.
        return $notBefore !== null && $now < $notBefore && $notBefore <= self::end($token->expiry, $now) + self::ROUNDING;
    }

    private static function end(int $expiry, int $now): int
    {
        $remaining = max(0, Clock::add($expiry, -$now));
        return $remaining > self::STABLE_RENEWAL ? $expiry - self::STABLE_RENEWAL : $now + max(intdiv($remaining, 2), self::SHORTEST);
    }
}
