<?php

namespace WxToken\Polyfill;

/** Why a fetch gave no token, and how long to pause. */
final class Failure extends \Exception
{
    public const API = 'api';
    public const STILL_REJECTED = 'still_rejected';
    public const NETWORK = 'network';
    /** There was a token, and it could not be stored: only the process that fetched it has it. */
    public const STORE = 'store';

    /** One second, doubled by each failure in a row, sixty at most. */
    public const BACKOFF = 'backoff';
    public const NEXT_MINUTE = 'next_minute';
    /** The same, and after a fixed time if the failure before this one had the same errcode. */
    public const NEXT_MINUTE_THEN = 'next_minute_then';
    public const AFTER = 'after';
    /** After a fixed time, or at once with another account or by another route. */
    public const ACCOUNT_REFUSED = 'account_refused';
    /** After a fixed time, or at once by another route. */
    public const ADDRESS_REFUSED = 'address_refused';

    /** @var string */
    public $cause;
    /** @var string WeChat's errmsg, or the reason. */
    public $text;
    /** @var int */
    public $errcode;
    /** @var string */
    public $policy;
    /** @var int Milliseconds. */
    public $pause;
    /** @var bool Nothing was sent: neither WeChat nor a proxy was connected to. */
    public $isUnconnected = false;

    private function __construct(string $cause, string $text, int $errcode, string $policy, int $pause)
    {
        parent::__construct();
        $this->cause = $cause;
        $this->text = $text;
        $this->errcode = $errcode;
        $this->policy = $policy;
        $this->pause = $pause;
    }

    public static function api(int $errcode, string $errmsg): self
    {
        [$policy, $seconds] = Errcode::retryPolicy($errcode);
        return new self(self::API, $errmsg, $errcode, $policy, $seconds * 1000);
    }

    public static function network(string $reason): self
    {
        return new self(self::NETWORK, $reason, 0, self::BACKOFF, 0);
    }

    public static function unconnected(string $reason): self
    {
        $failure = self::network($reason);
        $failure->isUnconnected = true;
        return $failure;
    }

    public static function store(string $reason): self
    {
        return new self(self::STORE, $reason, 0, self::BACKOFF, 0);
    }

    /** WeChat replaces a stable token at most every 30 s. */
    public static function stillRejected(): self
    {
        return new self(self::STILL_REJECTED, '', 0, self::AFTER, 30000);
    }

    public function isWorthAnotherTry(): bool
    {
        return $this->isUnconnected || ($this->cause === self::API && $this->errcode === Errcode::SYSTEM_BUSY);
    }
}
