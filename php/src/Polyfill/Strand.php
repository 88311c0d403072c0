<?php

namespace WxToken\Polyfill;

/** The Fiber in which a call runs, or the main program. It is not kept from its end. */
final class Strand
{
    /** @var \WeakReference|null Null for the main program. */
    private $fiber;

    public static function here(): self
    {
        $strand = new self();
        $fiber = PHP_VERSION_ID >= 80100 ? \Fiber::getCurrent() : null;
        $strand->fiber = $fiber === null ? null : \WeakReference::create($fiber);
        return $strand;
    }

    /** Whether the calling code runs within it: there, or in a Fiber that it has started or resumed and waits for. */
    public function surroundsCaller(): bool
    {
        if ($this->fiber === null) {
            return true;
        }
        $fiber = $this->fiber->get();
        return $fiber !== null && !$fiber->isSuspended() && !$fiber->isTerminated();
    }

    /** Whether it is a Fiber that may go on. */
    public function isSuspended(): bool
    {
        $fiber = $this->fiber === null ? null : $this->fiber->get();
        return $fiber !== null && $fiber->isSuspended();
    }
}
