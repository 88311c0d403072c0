<?php

namespace WxToken\Polyfill;

/** When a token expires, as its file says. */
final class FileExpiry
{
    /** @var int */
    public $at;
    /** @var bool Whether it counts from the modification time of the file, which a copy may renew. */
    public $isByModification;
    /** @var bool Whether the file says that it never comes. */
    public $isNever;

    public function __construct(int $at, bool $isByModification = false, bool $isNever = false)
    {
        $this->at = $at;
        $this->isByModification = $isByModification;
        $this->isNever = $isNever;
    }
}
