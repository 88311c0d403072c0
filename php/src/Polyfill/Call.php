<?php

namespace WxToken\Polyfill;

/** One call on a token file. */
final class Call
{
    /** @var string The token file, as an absolute path. */
    public $file;
    /** @var string What it contains. */
    public $kind;
    /** @var Layout|null */
    public $layout;
    /** @var float */
    public $refreshAhead;
    /** @var float */
    public $lockTimeout;

    public function __construct(string $file, string $kind, Options $options, ?float $lockTimeout = null)
    {
        $this->file = $file;
        $this->kind = $kind;
        $this->layout = $options->layout;
        $this->refreshAhead = $options->seconds('refresh_ahead');
        $this->lockTimeout = $lockTimeout ?? $options->seconds('lock_timeout');
    }

    /** Reads the file without a lock. */
    public function lookUp(): Lookup
    {
        return new Lookup($this, Snapshot::read($this->file, $this->kind, $this->layout));
    }

    /** The same for the real file at `$real`, under its lock. */
    public function lookUpAt(string $real): Lookup
    {
        return new Lookup($this, Snapshot::readResolved($real, $this->kind, $this->layout));
    }
}
