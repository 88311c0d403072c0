<?php

namespace WxToken\Polyfill;

/** A number in a file, of which the expiry depends. */
final class Number
{
    /** @var Expiry */
    public $expiry;
    /** @var int|null What stands there; its unit is kept. */
    public $value;
    /** @var bool */
    public $isText;

    public function __construct(Expiry $expiry, ?int $value = null, bool $isText = false)
    {
        $this->expiry = $expiry;
        $this->value = $value;
        $this->isText = $isText;
    }

    /** Whether it is, or will be, a duration. */
    public function isLasting(): bool
    {
        return $this->expiry->meaning === Expiry::LIFETIME && ($this->value === null || Expiry::isDuration($this->value));
    }

    public function isStart(): bool
    {
        return $this->expiry->meaning === Expiry::START;
    }
}
