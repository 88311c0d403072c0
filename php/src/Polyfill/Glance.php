<?php

namespace WxToken\Polyfill;

/**
 * A short look at the most usual file: a JSON object of an access token and a Unix time, fresh, and not changed just
 * now. Whatever is not like that is left to a proper look.
 */
final class Glance
{
    /** The keys with a Unix time, as of Expiry. */
    private const TIMES = ['expire' => 1, 'expire_time' => 1, 'expires' => 1, 'expires_at' => 1, 'expired' => 1];

    private const MAX_BYTES = 4096;

    /** @var array<string, float> When to remember the file again, by path and the monotonic clock. */
    private static $learnAt = [];

    /** The fresh token of the file at `$path`, an absolute one; null if this look does not tell. */
    public static function at(string $path, float $refreshAhead): ?string
    {
        // Where a path is not allowed, PHP warns.
        if ((string) ini_get('open_basedir') !== '' || (class_exists(UnstoredToken::class, false) && UnstoredToken::isAny())) {
            return null;
        }
        clearstatcache();
        if (!is_file($path)) {
            return null;
        }
        // Most requests ask once, and remember nothing.
        $began = isset(self::$learnAt[$path]) ? Clock::monotonic() : 0.0;
        $learns = $began > 0.0 && $began >= self::$learnAt[$path];
        $text = @file_get_contents($path, false, null, 0, self::MAX_BYTES + 1);
        // A write sets the time of change first: what was read is whole if that is past by now.
        clearstatcache();
        $now = time();
        if ($text === false || @filectime($path) > $now - 2 || strlen($text) > self::MAX_BYTES) {
            return null;
        }
        $members = json_decode(strncmp($text, Guard::CODE, 15) === 0 ? substr($text, 15) : $text, true);
        $value = is_array($members) && count($members) === 2 ? $members['access_token'] ?? null : null;
        if (!is_string($value) || !Token::isToken($value)) {
            return null;
        }
        unset($members['access_token']);
        $expiry = reset($members);
        $isFresh = is_int($expiry) && $expiry > $now + $refreshAhead + 1 && $expiry * 1000 <= $now * 1000 + Token::MAX_FOREIGN_LIFE;
        if (!$isFresh || !isset(self::TIMES[key($members)])) {
            return null;
        }
        if ($learns && ($stat = @stat($path)) !== false) {
            Memory::learn(Kind::TOKEN . " $path", new FileVersion($stat), $began, Token::foreign($value, $expiry * 1000));
        }
        if ($learns || $began === 0.0) {
            self::$learnAt[$path] = $learns ? $began + Memory::TICK : 0.0;
        }
        return $value;
    }
}
