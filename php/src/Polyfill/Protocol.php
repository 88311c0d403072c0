<?php

namespace WxToken\Polyfill;

/**
 * The decision of a call: return the token that is there, wait for another call's refresh, or refresh.
 *
 * A valid token is returned without a lock. When it is due, one call refreshes it, and the others go on with it. Without
 * a valid token, exactly one of all calls fetches, under the lock of the token file. The others take what it stores
 * there: the token, or the failure. All of that holds together with calls of the extension.
 */
final class Protocol
{
    /** How soon after a refresh that was cut off a due token is refreshed again, in milliseconds. */
    private const PAUSE = 10000;

    /** @param callable(): Source $open */
    public static function get(Call $call, callable $open): Token
    {
        $found = $call->lookUp();
        $token = $found->usable(null);
        if ($token === null) {
            return self::obtain($call, $open(), $found, null);
        }
        if ($found->isFresh()) {
            Memory::remember($call, $found->snapshot);
            return $token;
        }
        return self::renew($call, $open, $found, $token, true);
    }

    /**
     * The valid token; null while there is none and another call has the lock. Otherwise this call refreshes: PHP has no
     * background.
     *
     * @param callable(): Source $open
     */
    public static function tryGet(Call $call, callable $open): ?Token
    {
        $found = $call->lookUp();
        $token = $found->usable(null);
        if ($token !== null) {
            return $found->isFresh() ? $token : self::renew($call, $open, $found, $token, false);
        }
        $source = $open();
        self::checkFailure($call, $found, $source->requester());
        $real = Path::resolve($call->file);
        if (HeldLocks::around($real) !== null) {
            throw Problem::lock(
                $call->file,
                'wx_try_token() was called inside wx_with_lock() on this file, so no refresh can start. Call wx_get_token() there, or wx_try_token() outside',
                getmypid()
            );
        }
        $lock = Lock::attempt($real, $busy);
        if ($lock === null) {
            return null;
        }
        $report = new Report($call);
        try {
            return (new Refresh($call, $lock, $source, $report))->obtain(null, $found->failure(), $displaced);
        } finally {
            $lock->release();
            $report->write();
        }
    }

    /** @param callable(): Source $open */
    public static function refreshRejected(Call $call, callable $open, string $rejected): Token
    {
        $report = new Report($call);
        $found = $call->lookUp();
        [$token, $problem, $requester] = [$found->usable($rejected), null, null];
        try {
            if ($token === null || Log::takes('rejected')) {
                $source = $open();
                $requester = $source->requester();
                $token = $token ?? self::obtain($call, $source, $found, $rejected);
            }
        } catch (Problem $problem) {
            // Where there is a token already, no account is necessary.
            if ($token === null) {
                throw $problem;
            }
        } finally {
            $report->addRejected($rejected, $requester, $token, $token === null ? $problem : null);
            $report->write();
        }
        return $token;
    }

    /** Renews a due token, unless another call does or it is too soon. Of a failure there is no more than the record. */
    private static function renew(Call $call, callable $open, Lookup $found, Token $token, bool $mayWait): ?Token
    {
        $renewed = null;
        $isInvalidated = false;
        try {
            $source = $open();
            $renewed = self::tryRenew($call, $source, $found, $isInvalidated);
        } catch (Problem $problem) {
            // It happens again when the token has expired.
        }
        if ($renewed !== null) {
            return $renewed;
        }
        if (!$isInvalidated && $token->isValid(Clock::now())) {
            return $token;
        }
        return $mayWait ? self::obtain($call, $open(), $call->lookUp(), $isInvalidated ? $token->value : null) : null;
    }

    private static function tryRenew(Call $call, Source $source, Lookup $found, bool &$isInvalidated): ?Token
    {
        $failure = $found->failure();
        if ($found->isHeldOff() || ($failure !== null && $failure->forbids($source->requester(), Clock::now()))) {
            return null;
        }
        $real = Path::resolve($call->file);
        // PHP code around this call may hold the lock, and does not expect the file to change.
        $lock = HeldLocks::around($real) === null ? Lock::attempt($real, $busy) : null;
        if ($lock === null) {
            return null;
        }
        $report = new Report($call);
        try {
            $interruptedAt = $source->overlap() === null ? null : Leftovers::scan($real)->interruptedAt;
            if ($interruptedAt !== null && $interruptedAt + $source->overlap() <= Clock::now()) {
                $isInvalidated = true;
                return null;
            }
            return (new Refresh($call, $lock, $source, $report))->renew();
        } finally {
            $lock->release();
            $report->write();
        }
    }

    /** A call without a usable token: it refreshes the file, or waits while another call does. */
    private static function obtain(Call $call, Source $source, Lookup $found, ?string $rejected): Token
    {
        $requester = $source->requester();
        self::checkFailure($call, $found, $requester);
        [$old, $seen, $displaced] = [$found->failure(), $found->snapshot->version, null];
        $wait = new LockWait($call);
        $report = new Report($call);
        try {
            for (;;) {
                $real = Path::resolve($call->file);
                $busy = null;
                $before = $displaced;
                $run = static function (Lock $lock) use ($call, $source, $rejected, $old, $report, &$displaced): ?Token {
                    return (new Refresh($call, $lock, $source, $report))->obtain($rejected, $old, $displaced);
                };
                $held = HeldLocks::around($real);
                $lock = $held === null ? Lock::attempt($real, $busy) : null;
                try {
                    $token = $held !== null ? $held->lend($run) : ($lock !== null ? $run($lock) : null);
                } finally {
                    if ($lock !== null) {
                        $lock->release();
                    }
                    $report->write();
                }
                if ($token !== null || ($held !== null && $displaced !== null)) {
                    return $token ?? $displaced->token;
                }
                if ($displaced !== null && $before === null) {
                    // The deadline is extended once, to store the token.
                    $wait->renew();
                    continue;
                }
                if ($lock === null && ($token = self::storedByAnother($call, $seen, $rejected, $old, $requester, $report)) !== null) {
                    return $token;
                }
                $wait->pause($busy);
                if (($token = self::storedByAnother($call, $seen, $rejected, $old, $requester, $report)) !== null) {
                    return $token;
                }
            }
        } catch (Problem $problem) {
            $report->addTimeout($problem, $requester);
            // The caller gets its token although storing it failed.
            if ($displaced !== null) {
                return $displaced->token;
            }
            throw $problem;
        } finally {
            $report->write();
        }
    }

    /** The token that another call has stored since this one last read the file. */
    private static function storedByAnother(Call $call, ?FileVersion &$seen, ?string $rejected, ?FailureRecord $old, Requester $requester, Report $report): ?Token
    {
        $now = FileVersion::at($call->file);
        if ($now === null || $now->equals($seen)) {
            return null;
        }
        $found = $call->lookUp();
        $seen = $found->snapshot->version;
        return $found->answer($rejected, $old, $requester, $report);
    }

    /** The last failure may forbid to fetch yet. */
    private static function checkFailure(Call $call, Lookup $found, Requester $requester): void
    {
        $failure = $found->failure();
        if ($failure !== null && $failure->forbids($requester, Clock::now())) {
            throw $failure->asProblem($call->file, $requester);
        }
    }

    /** Whether a refresh was cut off a moment ago: where every process ends before WeChat answers, each would fetch in vain. */
    public static function isRecent(?int $interruptedAt): bool
    {
        $now = Clock::now();
        return $interruptedAt !== null && $interruptedAt <= $now && $now < $interruptedAt + self::PAUSE;
    }
}
