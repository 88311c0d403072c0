<?php

namespace WxToken;

/** The base class of wx_token's exceptions. */
class Exception extends \RuntimeException
{
    /** @var string The token file of the call, as an absolute path. */
    public $tokenFile = '';
}
