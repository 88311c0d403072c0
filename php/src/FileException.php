<?php

namespace WxToken;

/**
 * The token file cannot be read or written, or is not a token file; or another process could not store its new
 * token.
 */
class FileException extends Exception
{
}
