<?php

namespace WxToken\Polyfill;

/** A key with a number of which an expiry depends, and what the number means. */
final class Expiry
{
    /** A Unix time, in seconds or milliseconds. */
    public const TIME = 'time';
    /** Below 10⁹ a duration in seconds, from there on a Unix time. */
    public const LIFETIME = 'lifetime';
    /** The time of the fetch, from which a duration counts. */
    public const START = 'start';
    /** The time of the fetch: readers trust the token for so many seconds. */
    public const FETCHED = 'fetched';

    /** Keys with one meaning. A file that has several is valid until the earliest. */
    private const UNAMBIGUOUS = ['expire', 'expire_time', 'expires', 'expires_at', 'expired', 'expires_in'];

    /** Keys of the time of the fetch, where a duration stands beside it. */
    public const STARTS = ['time', 'tokentime', 'get_time', 'update_time', 'create_time', 'fetch_time', 'timestamp'];

    /** From this number on, that of 2001, it can be a Unix time. */
    public const LEAST_TIME = 1000000000;

    /** From this number on, a Unix time counts milliseconds. */
    private const MILLISECONDS_FROM = 1000000000000;

    /** Above this number, milliseconds of 2286, it is none. */
    public const LARGEST_TIME = 9999999999999;

    /** How long readers of `expires_time` trust a token, and all others, in seconds. */
    private const TRUSTED_EXPIRES_TIME = 3600;
    public const USUAL_LIFE = 7200;

    /** @var string */
    public $key;
    /** @var string */
    public $meaning;
    /** @var string|null Of a lifetime that the caller names: the key at which it begins. */
    public $start;
    /** @var int Of a time of the fetch: seconds. */
    private $trusted;

    public function __construct(string $key, string $meaning, ?string $start = null, int $trusted = self::USUAL_LIFE)
    {
        $this->key = $key;
        $this->meaning = $meaning;
        $this->start = $start;
        $this->trusted = $trusted;
    }

    public static function unambiguous(string $key): ?self
    {
        if (!in_array($key, self::UNAMBIGUOUS, true)) {
            return null;
        }
        return new self($key, $key === 'expires_in' ? self::LIFETIME : self::TIME);
    }

    /** @return self[] */
    public static function allUnambiguous(): array
    {
        return array_map([self::class, 'unambiguous'], self::UNAMBIGUOUS);
    }

    /** The expiry that a caller calls `$name`. */
    public static function byName(string $name): ?self
    {
        $known = self::unambiguous($name);
        if ($known !== null || preg_match('/^([a-z_]+)[:+]([a-z_]+)$/D', $name, $match) !== 1) {
            return $known;
        }
        [, $key, $meaning] = $match;
        $isStart = in_array($key, self::STARTS, true);
        if ($meaning === 'fetched' && ($isStart || $key === 'expires_time')) {
            return new self($key, self::FETCHED, null, $isStart ? self::USUAL_LIFE : self::TRUSTED_EXPIRES_TIME);
        }
        if ($meaning === 'expiry' && ($isStart || $key === 'expires_time' || $key === 'expires_in')) {
            return new self($key, self::TIME);
        }
        return $meaning === 'expires_in' && $isStart ? new self($meaning, self::LIFETIME, $key) : null;
    }

    /** The key, and what tells its meanings apart if it has several. */
    public function name(): string
    {
        switch ($this->meaning) {
            case self::FETCHED:
                return "$this->key:fetched";
            case self::LIFETIME:
                return $this->start === null ? $this->key : "$this->start+$this->key";
        }
        $isClear = $this->meaning === self::START || ($this->key !== 'expires_in' && self::unambiguous($this->key) !== null);
        return $isClear ? $this->key : "$this->key:expiry";
    }

    /** The number that says when the token ends, in the unit of the number `$before` it. A duration counts from `$start`. */
    public function number(Moments $moments, ?int $before, int $start): int
    {
        $number = static function (int $moment) use ($before): int {
            return $before !== null && self::isMillis($before) ? $moment : Clock::seconds($moment);
        };
        switch ($this->meaning) {
            case self::START:
                return $number($moments->fetched);
            case self::FETCHED:
                return $number(min(Clock::add($moments->expiry, -$this->trusted * 1000), $moments->written));
            case self::LIFETIME:
                if ($before === null || self::isDuration($before)) {
                    // More would be read as a Unix time, long past.
                    return min(intdiv(max(0, Clock::add($moments->expiry, -$start)), 1000), self::LEAST_TIME - 1);
                }
        }
        return $number($moments->expiry);
    }

    /** The moment of expiry that `$number` means; a duration counts from `$start`. */
    public function moment(int $number, int $start): int
    {
        if ($this->meaning === self::LIFETIME && self::isDuration($number)) {
            return Clock::add($start, Clock::fromSeconds(max(0, $number)));
        }
        $moment = self::timestamp($number);
        return $this->meaning === self::FETCHED ? Clock::add($moment, $this->trusted * 1000) : $moment;
    }

    public static function isDuration(int $number): bool
    {
        return $number < self::LEAST_TIME;
    }

    /** Whether a number that should be a moment is a duration instead. */
    public static function looksLikeDuration(int $number): bool
    {
        return $number >= 60 && $number < self::LEAST_TIME;
    }

    public static function isMillis(int $number): bool
    {
        return $number >= self::MILLISECONDS_FROM;
    }

    public static function timestamp(int $number): int
    {
        return self::isMillis($number) ? $number : Clock::fromSeconds($number);
    }
}
