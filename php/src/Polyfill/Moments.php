<?php

namespace WxToken\Polyfill;

/** Moments of a token that is written. */
final class Moments
{
    /** @var int */
    public $expiry;
    /** @var int When it was fetched, by the readers that trust it for two hours from then. */
    public $fetched;
    /** @var int The modification time of the file. */
    public $written;

    /** Those of a token that was asked for at `$askedAt`, and may have had a shorter life left. */
    public function __construct(int $expiry, int $askedAt, int $written)
    {
        $this->expiry = $expiry;
        $this->fetched = min($askedAt, Clock::add($expiry, -Expiry::USUAL_LIFE * 1000));
        $this->written = $written;
    }

    /** The modification time with which a duration from then on ends at the expiry. */
    public function modified(): int
    {
        return min($this->written, Clock::add($this->expiry, -Expiry::USUAL_LIFE * 1000));
    }
}
