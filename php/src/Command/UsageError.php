<?php

namespace WxToken\Command;

/** The command line cannot be understood. The message says what to do. */
class UsageError extends \Exception
{
}
