<?php

namespace WxToken\Command;

/** A setting of php.ini as this process has it, with the extension or with the polyfill. */
final class Setting
{
    public static function of(string $name): string
    {
        // Lines of php.ini reach ini_get() with the extension, and get_cfg_var() without it.
        $value = ini_get("wx_token.$name");
        $value = $value === false ? get_cfg_var("wx_token.$name") : $value;
        return is_string($value) ? $value : '';
    }
}
