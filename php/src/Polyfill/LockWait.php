<?php

namespace WxToken\Polyfill;

/** Waits for a lock: in short pauses, until a deadline, and never for a lock that this process holds. */
final class LockWait
{
    /** The shortest pause and the longest, in microseconds. */
    private const PAUSES = [20000, 50000];

    /** The kernel's list of all locks is read after so long: most waits end before. */
    private const LIST_AFTER = 0.05;

    /** @var Call */
    private $call;
    /** @var float */
    private $deadline;
    /** @var float */
    private $listAt;
    /** @var string|null The file whose lock was looked for in the kernel's list. */
    private $listed;

    public function __construct(Call $call)
    {
        $this->call = $call;
        $this->renew();
    }

    public function renew(): void
    {
        $now = Clock::monotonic();
        $this->deadline = $now + $this->call->lockTimeout;
        $this->listAt = $now + self::LIST_AFTER;
    }

    /**
     * Sleeps until the next attempt to lock the file with the id `$busy`, or one that is not there any more.
     *
     * @throws Problem After the deadline, or if no wait could end.
     */
    public function pause(?string $busy): void
    {
        $now = Clock::monotonic();
        if ($busy !== null) {
            $this->checkDeadlock($busy, $now);
        }
        $left = $this->deadline - $now;
        if ($left <= 0) {
            throw $this->timedOut($busy);
        }
        usleep((int) min(random_int(...self::PAUSES), $left * 1e6 + 1));
    }

    private function checkDeadlock(string $busy, float $now): void
    {
        $own = Lock::ownOn($busy);
        if ($own !== null) {
            throw Problem::lock($this->call->file, $own->surroundsCaller()
                ? 'a loader for this file is running and called wx_token on the same file. Remove that call from the loader'
                : 'another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()', getmypid());
        }
        if ($now >= $this->listAt && $this->listed !== $busy) {
            $this->listed = $busy;
            if (in_array(getmypid(), LockHolder::all($busy), true)) {
                throw Problem::lock(
                    $this->call->file,
                    'this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead',
                    getmypid()
                );
            }
        }
    }

    private function timedOut(?string $busy): Problem
    {
        $pid = $busy === null ? null : LockHolder::all($busy)[0] ?? null;
        $holder = LockHolder::name($pid);
        $waited = $this->call->lockTimeout;
        $problem = Problem::lock(
            $this->call->file,
            "the lock was not acquired within $waited s; $holder holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): \$timeout)",
            $pid
        );
        $problem->isTimeout = true;
        return $problem;
    }
}
