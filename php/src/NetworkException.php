<?php

namespace WxToken;

/** WeChat gave no usable answer: name lookup, TLS, connection, time limit, HTTP status, not JSON. */
class NetworkException extends Exception
{
    /** @var int The time of the next attempt: Unix time in seconds. */
    public $retryAt = 0;
}
