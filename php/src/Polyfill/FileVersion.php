<?php

namespace WxToken\Polyfill;

/** A file in one of its versions. PHP knows its times in whole seconds only. */
final class FileVersion
{
    private const TYPE = 0170000;
    private const REGULAR = 0100000;

    /** @var int */
    private $dev;
    /** @var int */
    private $ino;
    /** @var int */
    private $size;
    /** @var int */
    private $modified;
    /** @var int */
    private $changed;

    /** @param array<string, int> $stat As stat() or fstat() returns it. */
    public function __construct(array $stat)
    {
        $this->dev = $stat['dev'];
        $this->ino = $stat['ino'];
        $this->size = $stat['size'];
        $this->modified = $stat['mtime'];
        $this->changed = $stat['ctime'];
    }

    /** Device and inode. */
    public function id(): string
    {
        return "$this->dev:$this->ino";
    }

    public function equals(?self $other): bool
    {
        return $other !== null && $this->ino === $other->ino && $this->dev === $other->dev && $this->size === $other->size
            && $this->modified === $other->modified && $this->changed === $other->changed;
    }

    /** Whether it is the one of which this is the stat data. */
    public function isOf(array $stat): bool
    {
        return $stat['ino'] === $this->ino && $stat['dev'] === $this->dev && $stat['size'] === $this->size
            && $stat['mtime'] === $this->modified && $stat['ctime'] === $this->changed;
    }

    public function written(): int
    {
        return Clock::fromSeconds($this->modified);
    }

    /** When anything of the file was last changed. Unlike the modification time, nobody can set it. */
    public function changed(): int
    {
        return Clock::fromSeconds($this->changed);
    }

    /**
     * The regular file at `$path` as it is now; null if there is none.
     *
     * @throws Problem
     */
    public static function at(string $path): ?self
    {
        if (strlen($path) >= PHP_MAXPATHLEN) {
            throw FileProblem::of($path, 'open', 'File name too long');
        }
        clearstatcache();
        $stat = Quietly::run(static function () use ($path) {
            return stat($path);
        });
        if ($stat === false) {
            self::checkMissing($path);
            return null;
        }
        self::checkRegular($path, $stat['mode']);
        return new self($stat);
    }

    /** The same for a path that has been resolved: a link that is there now is no file. */
    public static function atResolved(string $path): ?self
    {
        clearstatcache();
        return is_link($path) ? null : self::at($path);
    }

    /** Nothing can be said of a file that cannot be reached. */
    private static function checkMissing(string $path): void
    {
        // To open a file that is not there has no effect, and PHP says why it cannot.
        $handle = Quietly::run(static function () use ($path) {
            return is_link($path) && !file_exists($path) ? null : fopen($path, 'rn');
        });
        $reason = $handle === false ? Quietly::reason() : 'No such file or directory';
        if (is_resource($handle)) {
            fclose($handle);
        }
        // PHP says the same where a part of the path is a file.
        for ($parent = dirname($path); !file_exists($parent); $parent = dirname($parent)) {
            continue;
        }
        $reason = $reason === 'No such file or directory' && !is_dir($parent) ? 'Not a directory' : $reason;
        if ($reason !== 'No such file or directory') {
            throw FileProblem::of($path, 'open', $reason);
        }
    }

    private static function checkRegular(string $path, int $mode): void
    {
        $kinds = [0040000 => 'a directory', 0010000 => 'a FIFO', 0140000 => 'a socket'];
        $kind = $mode & self::TYPE;
        if ($kind !== self::REGULAR) {
            throw FileProblem::unusable($path, 'it is ' . ($kinds[$kind] ?? 'a device'), 'Pass the path of a regular file');
        }
    }
}
