<?php

namespace WxToken;

/** WeChat answered with an error code: the exception's code. */
class ApiException extends Exception
{
    /** @var string WeChat's own message. */
    public $errmsg = '';

    /** @var int The time of the next attempt: Unix time in seconds. */
    public $retryAt = 0;
}
