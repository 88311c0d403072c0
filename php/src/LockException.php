<?php

namespace WxToken;

/** The lock could not be acquired in time, or this process already holds it. */
class LockException extends Exception
{
    /** @var int|null The process that holds the lock; null if the system does not say which. */
    public $holderPid;
}
