<?php

namespace WxToken\Polyfill;

/** A token that could not be stored: only this process has it, until one can be stored or it expires. */
final class UnstoredToken
{
    /** @var array<string, self> By the real path. */
    private static $all = [];

    /** @var Token */
    public $token;
    /** @var int */
    public $askedAt;
    /** @var string|null The token that the file contained then. If it contains another one now, that is newer. */
    private $insteadOf;
    /** @var int */
    private $failedAt;
    /** @var int|null For how long it can be used after a newer one was asked for. */
    private $overlap;
    /** @var bool Whether another process has a newer one, which it could not store either. */
    public $isSuperseded = false;

    public function __construct(Token $token, int $askedAt, ?string $insteadOf, int $failedAt, ?int $overlap)
    {
        $this->token = $token;
        $this->askedAt = $askedAt;
        $this->insteadOf = $insteadOf;
        $this->failedAt = $failedAt;
        $this->overlap = $overlap;
    }

    /** The token that could not be stored in the file, which contains `$document`, if it is valid and the newest. */
    public static function of(string $file, Document $document): ?self
    {
        $unstored = self::$all === [] ? null : self::$all[Path::resolve($file)] ?? null;
        if ($unstored === null || ($document->token !== null && $document->token->value !== $unstored->insteadOf)) {
            return null;
        }
        $failure = $document->state->failure;
        $isLater = $failure !== null && $failure->cause === Failure::STORE && $failure->failedAt > $unstored->failedAt;
        $unstored->isSuperseded = $isLater;
        $now = Clock::now();
        $isOver = $isLater && $unstored->overlap !== null && $now >= $failure->failedAt + $unstored->overlap;
        return $unstored->token->isValid($now) && !$isOver ? $unstored : null;
    }

    /** Whether there is one for any file: then no file tells alone. */
    public static function isAny(): bool
    {
        return self::$all !== [];
    }

    public static function keep(string $real, self $unstored): void
    {
        self::$all[$real] = $unstored;
    }

    /** A token could be stored in the file at `$real`: no other one is needed. */
    public static function forget(string $real): void
    {
        unset(self::$all[$real]);
    }
}
