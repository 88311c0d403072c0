<?php

namespace WxToken\Polyfill;

/** What a source has returned: a token with its lifetime, or with its expiry. */
final class IssuedToken
{
    private const MAX_BYTES = 4096;

    /** Ten years, in seconds. */
    private const MAX_LIFETIME = 10 * 366 * 24 * 3600;

    /** @var string */
    public $value;
    /** @var int Seconds from the request on. */
    private $expiresIn;
    /** @var int|null */
    private $expiresAt;

    private function __construct(string $value, int $expiresIn)
    {
        $this->value = $value;
        $this->expiresIn = $expiresIn;
    }

    public function __debugInfo(): array
    {
        return [];
    }

    /**
     * Reads an answer, whose member `$granted` is the token.
     *
     * @throws Failure
     * @throws \DomainException What makes it unusable.
     */
    public static function read(array $answer, string $granted, string $secret): self
    {
        // WeChat leaves errcode out of a good answer; WeCom sets it to 0.
        if (array_key_exists('errcode', $answer)) {
            $errcode = Numbers::inAnswer($answer['errcode']);
            if ($errcode === null) {
                throw new \DomainException('its "errcode" is not a number');
            }
            if ($errcode !== 0) {
                $errmsg = $answer['errmsg'] ?? '';
                $isText = is_string($errmsg) && preg_match('//u', $errmsg) === 1;
                throw Failure::api($errcode, Printable::scrub($isText ? $errmsg : '', $secret));
            }
        }
        $token = $answer[$granted] ?? null;
        if (!is_string($token) || preg_match('//u', $token) !== 1) {
            throw new \DomainException("it has no string \"$granted\"");
        }
        $seconds = Numbers::inAnswer($answer['expires_in'] ?? null);
        if ($seconds === null) {
            throw new \DomainException('it has no number "expires_in"');
        }
        if (!Token::isToken($token)) {
            throw new \DomainException('its token is empty or has invalid characters');
        }
        if (strlen($token) > self::MAX_BYTES) {
            throw new \DomainException('its token is longer than 4096 bytes');
        }
        if ($seconds <= 0 || $seconds > self::MAX_LIFETIME) {
            throw new \DomainException('its lifetime is not from 1 second to 10 years');
        }
        return new self($token, $seconds);
    }

    /** The same token with its expiry, whenever it was asked for. */
    public function until(int $expiresAt): self
    {
        $issued = clone $this;
        $issued->expiresAt = $expiresAt;
        return $issued;
    }

    /** The token, if it was asked for at `$askedAt`. */
    public function askedAt(int $askedAt): Token
    {
        return Token::own($this->value, $this->expiresAt ?? $askedAt + $this->expiresIn * 1000);
    }
}
