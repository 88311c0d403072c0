<?php
/*
 * The functions and exceptions of the extension wx_token, in plain PHP. Where the extension is loaded, this
 * file does nothing.
 */

if (extension_loaded('wx_token') || function_exists('wx_get_token')) {
    return;
}

// Without Composer, too: this file may be all that is loaded.
spl_autoload_register(static function (string $class): void {
    $file = __DIR__ . '/src/' . strtr(substr($class, strlen('WxToken\\')), '\\', '/') . '.php';
    if (strncmp($class, 'WxToken\\', strlen('WxToken\\')) === 0 && is_file($file)) {
        require $file;
    }
});

// Registered as soon as possible: other functions that run at the end of the request may need the files.
register_shutdown_function(static function (): void {
    if (class_exists(WxToken\Polyfill\Lock::class, false)) {
        WxToken\Polyfill\Lock::releaseAll();
    }
});

require __DIR__ . '/src/Polyfill/first_look.php';
require __DIR__ . '/src/Polyfill/functions.php';
