<?php

namespace WxToken\Polyfill;

/**
 * Traces as an extension leaves them: without frames of the polyfill, whose arguments may hold a secret or a token. A
 * callable that the polyfill calls is called by an "internal function".
 */
final class Trace
{
    /** `$throwable`, which leaves the function `$function`, with a trace of outside code. */
    public static function ofOutside(\Throwable $throwable, string $function): \Throwable
    {
        $trace = $throwable->getTrace();
        if (!in_array($function, array_column($trace, 'function'), true)) {
            // It was made elsewhere.
            return $throwable;
        }
        $isOwn = strncmp($throwable->getFile(), __DIR__, strlen(__DIR__)) === 0;
        $outside = [];
        foreach ($trace as $frame) {
            if (strncmp($frame['class'] ?? $frame['function'], __NAMESPACE__, strlen(__NAMESPACE__)) === 0) {
                continue;
            }
            if (strncmp($frame['file'] ?? '', __DIR__, strlen(__DIR__)) === 0) {
                unset($frame['file'], $frame['line']);
            }
            // Before PHP 8.2, nothing hides an argument from a trace.
            if (PHP_VERSION_ID < 80200 && isset($frame['args']) && strncmp($frame['function'], 'wx_', 3) === 0) {
                $frame['args'] = array_slice($frame['args'], 0, 1);
            }
            $outside[] = $frame;
        }
        self::set($throwable, 'trace', $outside);
        if ($isOwn) {
            self::set($throwable, 'file', $outside[0]['file'] ?? '');
            self::set($throwable, 'line', $outside[0]['line'] ?? 0);
        }
        return $throwable;
    }

    private static function set(\Throwable $throwable, string $name, $value): void
    {
        $property = new \ReflectionProperty($throwable instanceof \Error ? \Error::class : \Exception::class, $name);
        if (PHP_VERSION_ID < 80100) {
            $property->setAccessible(true);
        }
        $property->setValue($throwable, $value);
    }
}
