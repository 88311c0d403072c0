<?php

namespace WxToken;

/** There is no account; or a setting or the accounts file cannot be used. */
class ConfigException extends Exception
{
}
