<?php

namespace WxToken\Polyfill;

/**
 * The locks that PHP code holds around a callable: wx_with_lock(). A call on the same file from within the callable
 * uses the held lock; a call of another Fiber does not. The last call to leave releases it: a nested one may still be
 * suspended when the first one leaves.
 */
final class HeldLocks
{
    /** @var array<string, self> By the real path. */
    private static $all = [];

    /** @var Lock */
    private $lock;
    /** @var Strand[] Where the calls that are inside run, the latest last. */
    private $inside;
    /** @var bool Whether a refresh uses it: a call of its loader on the same file cannot. */
    private $isLent = false;

    private function __construct(Lock $lock)
    {
        $this->lock = $lock;
        $this->inside = [Strand::here()];
    }

    /** What `$critical` returns under the lock of the file of `$call`. */
    public static function run(Call $call, callable $critical)
    {
        $report = new Report($call);
        try {
            $held = self::enter($call);
        } catch (Problem $problem) {
            $report->addTimeout($problem, null);
            $report->write();
            throw $problem;
        }
        $strand = end($held->inside);
        try {
            return $critical();
        } finally {
            $held->leave($strand);
        }
    }

    /** The lock of the real file at `$path`, if the caller comes from within a callable that holds it. */
    public static function around(string $path): ?self
    {
        $held = self::$all[$path] ?? null;
        $isFree = $held !== null && !$held->isLent && !$held->lock->isInherited();
        foreach ($isFree ? $held->inside : [] as $strand) {
            if ($strand->surroundsCaller()) {
                return $held;
            }
        }
        return null;
    }

    /** Lends the lock to `$work`. */
    public function lend(callable $work)
    {
        $this->isLent = true;
        $this->lock->belongsTo($this->inside[] = Strand::here());
        $strand = end($this->inside);
        try {
            return $work($this->lock);
        } finally {
            $this->isLent = false;
            $this->leave($strand);
        }
    }

    private static function enter(Call $call): self
    {
        $wait = new LockWait($call);
        for (;;) {
            $real = Path::resolve($call->file);
            $held = self::around($real);
            if ($held !== null) {
                $held->lock->belongsTo($held->inside[] = Strand::here());
                return $held;
            }
            $lock = Lock::attempt($real, $busy);
            if ($lock !== null) {
                return self::$all[$real] = new self($lock);
            }
            $wait->pause($busy);
        }
    }

    private function leave(Strand $strand): void
    {
        unset($this->inside[array_search($strand, $this->inside, true)]);
        if ($this->inside !== []) {
            $this->lock->belongsTo(end($this->inside));
            return;
        }
        // It is lent: the borrower leaves last.
        if ($this->isLent) {
            return;
        }
        if ((self::$all[$this->lock->path] ?? null) === $this) {
            unset(self::$all[$this->lock->path]);
        }
        $this->lock->release();
    }
}
