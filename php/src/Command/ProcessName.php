<?php

namespace WxToken\Command;

use WxToken\Polyfill\LockHolder;

/** A process in words. */
final class ProcessName
{
    public static function of(?int $pid): string
    {
        return LockHolder::name($pid);
    }
}
