<?php

namespace WxToken\Polyfill;

/** A PHP callable as a token source. It is called under the lock. */
final class Loader implements Source
{
    private const KEYS = ['errcode', 'errmsg', 'access_token', 'expires_in', 'expire'];

    /** @var callable */
    private $callable;

    /** @var mixed What the loader returned: a destructor in it, which may end the script, waits until the token is stored. */
    private $result;

    /** @var \Throwable|null What the loader threw: its caller gets it as it was. */
    public $thrown;

    public function __construct(callable $callable)
    {
        $this->callable = $callable;
    }

    public function fetch(?string $rejected): IssuedToken
    {
        try {
            $this->result = ($this->callable)();
        } catch (\Throwable $thrown) {
            $this->thrown = $thrown;
            // Others learn the class, not the message, which may hold anything.
            $class = Printable::text(explode("\0", get_class($thrown))[0], 200);
            throw Failure::network("the loader threw $class in another call. See the error log of that process");
        }
        return self::read($this->result);
    }

    /** Lets what the loader returned or threw end. */
    public function forget(): void
    {
        $this->result = $this->thrown = null;
    }

    public function requester(): Requester
    {
        return new Requester('loader', 'loader', Errcode::LOADER, ['endpoint' => 'loader']);
    }

    public function requests(): int
    {
        return 0;
    }

    public function overlap(): ?int
    {
        return null;
    }

    private static function read($result): IssuedToken
    {
        $answer = is_array($result) ? array_intersect_key($result, array_flip(self::KEYS)) : self::decode($result);
        if ($answer === null) {
            $returned = is_string($result) ? 'a string that is not a JSON object' : Options::typeOf($result);
            throw Failure::network("the loader returned $returned. It must return an array or a JSON string with \"access_token\" and \"expires_in\"");
        }
        $expiresAt = null;
        if (array_key_exists('expire', $answer) && !array_key_exists('expires_in', $answer)) {
            $expire = Numbers::inAnswer($answer['expire']);
            if ($expire === null) {
                throw Failure::network('the loader returned an "expire" that is not a number. It must be a Unix time');
            }
            $life = Clock::add($expire, -Clock::seconds(Clock::now()));
            if ($life <= 0 && !array_key_exists('errcode', $answer)) {
                throw Failure::network('the loader returned an expired token. "expire" must be in the future');
            }
            [$expiresAt, $answer['expires_in']] = [Clock::fromSeconds($expire), $life];
        }
        if (!array_key_exists('expires_in', $answer) && !array_key_exists('errcode', $answer)) {
            throw Failure::network('the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time)');
        }
        try {
            $issued = IssuedToken::read($answer, 'access_token', '');
        } catch (\DomainException $why) {
            throw Failure::network("the loader's answer is unusable: {$why->getMessage()}");
        }
        return $expiresAt === null ? $issued : $issued->until($expiresAt);
    }

    private static function decode($result): ?array
    {
        $answer = is_string($result) && strncmp(ltrim($result), '{', 1) === 0 ? json_decode($result, true) : null;
        return is_array($answer) ? $answer : null;
    }
}
