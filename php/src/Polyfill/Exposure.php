<?php

namespace WxToken\Polyfill;

/** Whether others may read a token file: the clients of a web server, or the users of the machine. */
final class Exposure
{
    private const BY_OTHERS = 0004;
    private const SEARCH_BY_OTHERS = 0001;

    /** Why others may read the file at `$path`, and what to do. A guard counts in a file that a web server runs. */
    public static function find(string $path, bool $isGuarded): ?string
    {
        return Quietly::run(static function () use ($path, $isGuarded): ?string {
            try {
                $real = Path::resolve($path);
            } catch (Problem $problem) {
                return null;
            }
            $named = (string) getenv('DOCUMENT_ROOT');
            $root = $named === '' || $named === '/' || $named[0] !== '/' ? false : realpath($named);
            $isRun = strtolower(pathinfo($real, PATHINFO_EXTENSION)) === 'php';
            if ($root !== false && strncmp($real, "$root/", strlen($root) + 1) === 0 && !($isGuarded && $isRun)) {
                return 'it is below the document root ' . Printable::text($root)
                    . ', so a web server may send it to anybody. Move it out of there, or have the web server deny it';
            }
            $mode = Path::isWindows() ? false : fileperms($real);
            if ($mode === false || ($mode & self::BY_OTHERS) === 0) {
                return null;
            }
            for ($directory = dirname($real); (int) fileperms($directory) & self::SEARCH_BY_OTHERS; $directory = dirname($directory)) {
                if ($directory === dirname($directory)) {
                    return sprintf('every user of this machine can read it (mode %04o). Run chmod o-rwx %s', $mode & 07777, Printable::text($real));
                }
            }
            return null;
        });
    }
}
