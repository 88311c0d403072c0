<?php

namespace WxToken\Polyfill;

/** A token and its expiry. */
final class Token
{
    /** The longest plausible lifetime of a token that other code has stored: a clock that was ahead writes a later expiry. */
    public const MAX_FOREIGN_LIFE = 24 * 3600 * 1000;

    /** @var string */
    public $value;
    /** @var int */
    public $expiry;
    /** @var int The first moment at which that expiry is plausible. */
    private $believedFrom;

    private function __construct(string $value, int $expiry, int $believedFrom)
    {
        $this->value = $value;
        $this->expiry = $expiry;
        $this->believedFrom = $believedFrom;
    }

    public function __debugInfo(): array
    {
        return ['expiry' => $this->expiry];
    }

    /** A token with any lifetime: wx_token has stored it or stores it now, or its file says that it never expires. */
    public static function own(string $value, int $expiry): self
    {
        return new self($value, $expiry, PHP_INT_MIN);
    }

    /** A token that other code has stored. */
    public static function foreign(string $value, int $expiry): self
    {
        return new self($value, $expiry, Clock::add($expiry, -self::MAX_FOREIGN_LIFE));
    }

    public function isValid(int $now): bool
    {
        return $this->believedFrom <= $now && $now < $this->expiry;
    }

    public function isFresh(int $now, float $refreshAhead): bool
    {
        return $this->isValid($now) && $now < $this->dueAt($refreshAhead);
    }

    public function dueAt(float $refreshAhead): int
    {
        return Clock::add($this->expiry, -(int) ($refreshAhead * 1000));
    }

    public function equals(?self $other): bool
    {
        return $other !== null && $this->value === $other->value && $this->expiry === $other->expiry;
    }

    public function until(int $expiry): self
    {
        return new self($this->value, $expiry, $this->believedFrom);
    }

    /** Whether `$text` can be a token: visible ASCII, at least one character. */
    public static function isToken(string $text): bool
    {
        return preg_match('/^[\x21-\x7e]+$/D', $text) === 1;
    }
}
