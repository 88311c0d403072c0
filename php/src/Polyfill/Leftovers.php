<?php

namespace WxToken\Polyfill;

/**
 * Files beside a token file: temporary files that are to replace it, and those that killed processes left. A
 * temporary file is locked while its process lives. An unlocked one dates a refresh that was cut off.
 */
final class Leftovers
{
    /** Marks the name of a temporary file: `.<file>.wx_token.<random>`, and `.php` if the file ends in that, as the extension's. */
    private const MARK = '.wx_token.';
    /** A web server runs a file of this name, and so stops at the guard before the token, instead of sending it. */
    private const PHP = '.php';
    private const RANDOM_CHARS = 6;
    private const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

    /** @var array<string, int> When each was last written, by path; the oldest comes first. */
    private $files = [];

    /** @var int|null When the first refresh began that was cut off since the file was written. */
    public $interruptedAt;

    /** A name for a new temporary file beside the one at `$path`. */
    public static function newName(string $path): string
    {
        $random = '';
        while (strlen($random) < self::RANDOM_CHARS) {
            $random .= self::ALPHABET[random_int(0, strlen(self::ALPHABET) - 1)];
        }
        return self::prefix($path) . $random . (substr($path, -4) === self::PHP ? self::PHP : '');
    }

    /** Whether there are temporary files beside the one at `$path`. */
    public static function isStaged(string $path): bool
    {
        return self::listed($path) !== [];
    }

    public static function scan(string $path): self
    {
        $leftovers = new self();
        clearstatcache();
        foreach (self::listed($path) as $file) {
            $written = self::isLeftover($file) ? filemtime($file) : false;
            if ($written !== false) {
                $leftovers->files[$file] = $written * 1000;
            }
        }
        asort($leftovers->files);
        $since = is_file($path) ? filemtime($path) * 1000 : PHP_INT_MAX;
        foreach ($leftovers->files as $began) {
            if ($since <= $began) {
                $leftovers->interruptedAt = $began;
                break;
            }
        }
        return $leftovers;
    }

    /** Removes all but the oldest, which stays until something is written: after a crash it tells of that refresh. */
    public function sweep(): void
    {
        array_map([self::class, 'remove'], array_slice(array_keys($this->files), 1));
    }

    public function removeOldest(): void
    {
        array_map([self::class, 'remove'], array_slice(array_keys($this->files), 0, 1));
    }

    private static function remove(string $file): void
    {
        if (self::isLeftover($file)) {
            Quietly::run(static function () use ($file) {
                return unlink($file);
            });
        }
    }

    private static function prefix(string $path): string
    {
        return dirname($path) . DIRECTORY_SEPARATOR . '.' . basename($path) . self::MARK;
    }

    /** @return string[] */
    private static function listed(string $path): array
    {
        $prefix = self::prefix($path);
        $names = Quietly::run(static function () use ($path) {
            return scandir(dirname($path));
        });
        // Older versions did without the suffix.
        $pattern = '/^' . preg_quote(basename($prefix), '/') . '[A-Za-z0-9]{' . self::RANDOM_CHARS . '}(?:\.php)?$/D';
        $files = array_map(static function (string $name) use ($prefix): string {
            return dirname($prefix) . DIRECTORY_SEPARATOR . $name;
        }, preg_grep($pattern, $names ?: []));
        return array_values(array_filter($files, static function (string $file): bool {
            return is_file($file) && !is_link($file);
        }));
    }

    private static function isLeftover(string $file): bool
    {
        $handle = Quietly::run(static function () use ($file) {
            return fopen($file, 'rbe');
        });
        if ($handle === false) {
            // Another user's, which cannot be tried.
            return Quietly::reason() === 'Permission denied';
        }
        $isDead = flock($handle, LOCK_EX | LOCK_NB);
        fclose($handle);
        return $isDead;
    }
}
