<?php

namespace WxToken\Polyfill;

/**
 * Writes a token file: it is replaced as a whole, or written in place where that is impossible. Either is prepared
 * before the fetch, so that a full disk or a read-only directory costs no token.
 *
 * PHP carries over owner, group and mode. Where these cannot be carried over, the file is written in place. ACLs and
 * extended attributes are lost at a replacement.
 */
final class Write
{
    /** Space that is reserved for a longer token, in bytes. */
    private const HEADROOM = 4096;

    /** The longest that a file is padded to, in bytes. */
    private const MAX_PADDED = 16 * 1024;

    /** A token is due long before its expiry: so many milliseconds do no harm. */
    private const TOLERANCE = 10000;

    /** @var Lock */
    private $lock;
    /** @var Leftovers */
    private $leftovers;
    /** @var resource|null What will replace the file; null if it is written in place. */
    private $staged;
    /** @var string */
    private $stagedPath = '';

    private function __construct(Lock $lock, Leftovers $leftovers)
    {
        $this->lock = $lock;
        $this->leftovers = $leftovers;
    }

    /** @throws Problem Nothing could be stored. */
    public static function prepare(Lock $lock, Leftovers $leftovers): self
    {
        $leftovers->sweep();
        $write = new self($lock, $leftovers);
        $old = Path::isWindows() ? stat($lock->path) : fstat($lock->handle());
        // To replace one name of a file with several would part it from the others.
        if (Settings::current()->writeMode === 'replace' && $old['nlink'] <= 1) {
            $write->stage($old);
        }
        return $write;
    }

    /** What the clock of the file system shows; null if it shows nothing new. */
    public function stamp(): ?int
    {
        return $this->staged === null ? null : fstat($this->staged)['ctime'] * 1000;
    }

    /** Writes `$content`, durably, to the temporary file, if there is one. */
    public function fill(Content $content): void
    {
        if ($this->staged !== null && !$this->writeNew($content)) {
            $this->abandon();
        }
    }

    /**
     * Replaces the file with what was filled in, and the lock goes on with the new one; or writes the file itself.
     * After an error, the old content is untouched, unless the disk broke during a write.
     *
     * @throws \RuntimeException The reason.
     */
    public function commit(Content $content): void
    {
        if ($this->staged !== null && $this->rename()) {
            $this->leftovers->removeOldest();
            return;
        }
        $this->abandon();
        $this->writeInPlace($content);
        $this->leftovers->removeOldest();
    }

    /** Removes what was prepared, if it is not in place. */
    public function abandon(): void
    {
        $this->lock->unstage();
        $this->staged = null;
    }

    private function stage(array $old): void
    {
        $path = Leftovers::newName($this->lock->path);
        $handle = Quietly::run(static function () use ($path) {
            $umask = umask(0077);
            try {
                return fopen($path, 'x+be');
            } finally {
                umask($umask);
            }
        });
        if ($handle === false) {
            return;
        }
        // Locked from its creation: nobody sweeps it away, and once it is in place it excludes everybody.
        $this->lock->stage($handle, $path);
        [$this->staged, $this->stagedPath] = [$handle, $path];
        if (!flock($handle, LOCK_EX | LOCK_NB) || !$this->takeAfter($old)) {
            $this->abandon();
            return;
        }
        $room = str_repeat(' ', $old['size'] + self::HEADROOM);
        $isReserved = self::put($handle, $room) && fflush($handle);
        $reason = Quietly::reason();
        if (!$isReserved) {
            $this->abandon();
            throw FileProblem::of($this->lock->path, 'write', $reason === '' ? 'No space left on device' : $reason);
        }
    }

    /** Gives the temporary file the owner, group and mode of the old one. */
    private function takeAfter(array $old): bool
    {
        $new = fstat($this->staged);
        $path = $this->stagedPath;
        return Path::isWindows() || Quietly::run(static function () use ($old, $new, $path): bool {
            return ($new['uid'] === $old['uid'] || chown($path, $old['uid']))
                && ($new['gid'] === $old['gid'] || chgrp($path, $old['gid']))
                && chmod($path, $old['mode'] & 07777);
        });
    }

    private function writeNew(Content $content): bool
    {
        $handle = $this->staged;
        $isWritten = rewind($handle) && self::put($handle, $content->bytes) && fflush($handle)
            && ftruncate($handle, strlen($content->bytes));
        if ($isWritten && $content->modified !== null) {
            $path = $this->stagedPath;
            $isWritten = Quietly::run(static function () use ($path, $content) {
                return touch($path, Clock::seconds($content->modified));
            });
        }
        // Without fsync(), PHP 8.0 and older leave to the kernel when the content reaches the disk.
        return $isWritten && (!function_exists('fsync') || fsync($handle));
    }

    private function rename(): bool
    {
        if (Path::isWindows()) {
            flock($this->staged, LOCK_UN);
        }
        $isRenamed = Quietly::run(function () {
            return rename($this->stagedPath, $this->lock->path);
        });
        $reason = Quietly::reason();
        if ($isRenamed) {
            $this->lock->moveToStaged();
            $this->staged = null;
        } elseif (!$this->lock->isCurrent()) {
            // Nobody would read what is written to a file that is no longer at the path.
            $this->abandon();
            throw new \RuntimeException($reason);
        }
        return $isRenamed;
    }

    /** One write, not shorter than the old content, so that a reader never sees less than a whole file. */
    private function writeInPlace(Content $content): void
    {
        $handle = Path::isWindows() ? fopen($this->lock->path, 'r+b') : $this->lock->handle();
        $path = $this->lock->path;
        $old = fstat($handle);
        $canDate = $content->modified === null || Quietly::run(static function () use ($path, $old) {
            return touch($path, $old['mtime']);
        });
        if (!$canDate && Clock::now() - $content->modified > self::TOLERANCE) {
            throw new \RuntimeException('the expiry counts from its modification time, which only its owner can set');
        }
        $bytes = $content->bytes;
        if ($content->mayBePadded) {
            $bytes = str_pad(rtrim($bytes, ' '), min($old['size'], self::MAX_PADDED), ' ');
        }
        $this->reserve($handle, $old['size'], strlen($bytes), $content->mayBePadded);
        $isWritten = rewind($handle) && self::put($handle, $bytes) && fflush($handle);
        if ($isWritten && strlen($bytes) < $old['size']) {
            $isWritten = ftruncate($handle, strlen($bytes));
        }
        if (!$isWritten) {
            throw new \RuntimeException(Quietly::reason());
        }
        if ($content->modified !== null && $canDate) {
            touch($path, Clock::seconds($content->modified));
        }
        if (function_exists('fsync')) {
            fsync($handle);
        }
    }

    /** On a full disk, a write that needs more would end in the middle: spaces are put behind the old content first. */
    private function reserve($handle, int $old, int $new, bool $mayBePadded): void
    {
        if (!$mayBePadded || $new <= $old) {
            return;
        }
        if (fseek($handle, $old) !== 0 || !self::put($handle, str_repeat(' ', $new - $old)) || !fflush($handle)) {
            $reason = Quietly::reason();
            ftruncate($handle, $old);
            throw new \RuntimeException($reason === '' ? 'No space left on device' : $reason);
        }
    }

    /** Whether all of `$bytes` is written. */
    private static function put($handle, string $bytes): bool
    {
        return Quietly::run(static function () use ($handle, $bytes): bool {
            return fwrite($handle, $bytes) === strlen($bytes);
        });
    }
}
