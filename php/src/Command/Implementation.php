<?php

namespace WxToken\Command;

/** Whose functions are called: the extension's, or the polyfill's. */
final class Implementation
{
    public static function isExtension(): bool
    {
        return extension_loaded('wx_token');
    }

    public static function describe(): string
    {
        return (self::isExtension() ? 'the extension wx_token ' . phpversion('wx_token') : 'the polyfill (the extension is not loaded)')
            . ', PHP ' . PHP_VERSION;
    }
}
