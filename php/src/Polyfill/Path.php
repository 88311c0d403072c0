<?php

namespace WxToken\Polyfill;

/** From the path that a caller names to the real file, which is locked and replaced. */
final class Path
{
    private const MAX_LINKS = 40;

    public static function isAbsolute(string $path): bool
    {
        return $path[0] === '/' || (self::isWindows() && preg_match('~^(?:[A-Za-z]:)?[/\\\\]~', $path) === 1);
    }

    public static function isWindows(): bool
    {
        return DIRECTORY_SEPARATOR === '\\';
    }

    /** `$path` below the working directory, if it is relative. As the extension does, this takes out "." and "..". */
    public static function absolute(string $path): string
    {
        if (self::isAbsolute($path)) {
            return $path;
        }
        $parts = [];
        foreach (explode('/', getcwd() . '/' . strtr($path, DIRECTORY_SEPARATOR, '/')) as $part) {
            if ($part === '..') {
                array_pop($parts);
            } elseif ($part !== '' && $part !== '.') {
                $parts[] = $part;
            }
        }
        return (self::isWindows() ? '' : '/') . implode('/', $parts);
    }

    /**
     * The real file at `$path`, or that it will be: symbolic links are followed.
     *
     * @throws Problem
     */
    public static function resolve(string $path): string
    {
        $named = $path;
        for ($links = 0; $links < self::MAX_LINKS; $links++) {
            $directory = realpath(dirname($named));
            if ($directory === false) {
                $isThere = is_dir(dirname($named)) || is_file(dirname($named));
                throw FileProblem::of($named, $isThere ? 'open' : 'create', $isThere ? 'Permission denied' : 'No such file or directory');
            }
            $real = rtrim($directory, DIRECTORY_SEPARATOR) . DIRECTORY_SEPARATOR . basename($named);
            if (!is_link($real)) {
                return $real;
            }
            $target = (string) Quietly::run(static function () use ($real) {
                return readlink($real);
            });
            $named = self::isAbsolute($target) ? $target : $directory . DIRECTORY_SEPARATOR . $target;
        }
        throw FileProblem::of($path, 'open', 'Too many levels of symbolic links');
    }

    /** Whether two paths lead to one file, by whatever name, or will after it is created. */
    public static function areOne(string $path, string $other): bool
    {
        try {
            [$path, $other] = [self::resolve($path), self::resolve($other)];
        } catch (Problem $problem) {
            return false;
        }
        clearstatcache();
        return $path === $other || (is_file($path) && is_file($other)
            && fileinode($path) === fileinode($other) && stat($path)['dev'] === stat($other)['dev'] && fileinode($path) !== 0);
    }
}
