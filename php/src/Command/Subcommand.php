<?php

namespace WxToken\Command;

/** A subcommand. Its constants SUMMARY, HELP and OPTIONS say what it does and takes. */
abstract class Subcommand
{
    /** @var Terminal */
    protected $terminal;
    /** @var Clock|null */
    private $clock;

    public function __construct(Terminal $terminal)
    {
        $this->terminal = $terminal;
    }

    /** @throws UsageError */
    abstract public function run(Arguments $arguments): int;

    protected function clock(): Clock
    {
        return $this->clock ?? $this->clock = new Clock();
    }
}
