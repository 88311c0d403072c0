<?php

namespace WxToken\Polyfill;

/**
 * The lock of a token file: flock(2) on the file itself, as the extension takes it. Nothing here waits.
 *
 * Windows keeps others from reading a locked file, so there the lock is a file beside it; the extension does not
 * exist there.
 */
final class Lock
{
    /** How often to open or create a file that others remove or replace at once. */
    private const MAX_TRIES = 16;

    /** @var self[] The locks of this process, by the id of their file: who holds which. */
    private static $held = [];

    /** @var string The real file. */
    public $path;
    /** @var string The id of the locked file. */
    public $id;
    /** @var resource|null */
    private $handle;
    /** @var int The process that acquired it: a forked child has a copy, which is not its own. */
    private $pid;
    /** @var Strand Who holds it. */
    private $strand;
    /** @var resource|null What will replace the file, and its path: removed at the end if it never does. */
    private $staged;
    /** @var string */
    private $stagedPath = '';

    /** @param resource $handle */
    private function __construct(string $path, string $id, $handle)
    {
        $this->path = $path;
        $this->id = $id;
        $this->handle = $handle;
        $this->pid = getmypid();
        $this->strand = Strand::here();
    }

    /**
     * Tries once to lock the real file at `$path`, which is created if it is missing. Null if another holds it, whose
     * file is then `$busy`, or if the file was replaced meanwhile.
     *
     * @throws Problem
     */
    public static function attempt(string $path, ?string &$busy): ?self
    {
        $busy = null;
        $handle = self::open($path);
        if ($handle === null) {
            return null;
        }
        $id = (new FileVersion(fstat($handle)))->id();
        if (!flock($handle, LOCK_EX | LOCK_NB)) {
            $busy = $id;
            fclose($handle);
            return null;
        }
        $lock = new self($path, $id, $handle);
        self::$held[$id] = $lock;
        if (!$lock->isCurrent()) {
            $lock->release();
            return null;
        }
        return $lock;
    }

    /** The lock on the file with this id that this very process holds. */
    public static function ownOn(string $id): ?self
    {
        $lock = self::$held[$id] ?? null;
        return $lock !== null && $lock->pid === getmypid() ? $lock : null;
    }

    /** Whether the locked file is still the one at its path. If not, the lock excludes nobody. */
    public function isCurrent(): bool
    {
        if (Path::isWindows()) {
            return true;
        }
        $now = FileVersion::atResolved($this->path);
        return $now !== null && $now->id() === $this->id;
    }

    /** Whether the calling code runs within what holds the lock. */
    public function surroundsCaller(): bool
    {
        return $this->strand->surroundsCaller();
    }

    public function isInherited(): bool
    {
        return $this->pid !== getmypid();
    }

    /** From now on `$strand` holds it. */
    public function belongsTo(Strand $strand): void
    {
        $this->strand = $strand;
    }

    /** @return resource The open file, which can be written. */
    public function handle()
    {
        return $this->handle;
    }

    /**
     * Remembers the temporary file that is to replace the locked one.
     *
     * @param resource $handle
     */
    public function stage($handle, string $path): void
    {
        $this->staged = $handle;
        $this->stagedPath = $path;
    }

    /** The temporary file is in place, and locked: the lock goes on with it. The old one is released. */
    public function moveToStaged(): void
    {
        if (Path::isWindows()) {
            fclose($this->staged);
        } else {
            $old = $this->handle;
            unset(self::$held[$this->id]);
            $this->handle = $this->staged;
            $this->id = (new FileVersion(fstat($this->handle)))->id();
            self::$held[$this->id] = $this;
            flock($old, LOCK_UN);
            fclose($old);
        }
        $this->staged = null;
    }

    /** Removes the temporary file, if it has not replaced the file. */
    public function unstage(): void
    {
        if ($this->staged === null) {
            return;
        }
        $isOwn = !$this->isInherited();
        fclose($this->staged);
        $this->staged = null;
        if ($isOwn) {
            Quietly::run(function () {
                return unlink($this->stagedPath);
            });
        }
    }

    /** Releases it. A forked child only closes its copy: to unlock that would take the parent's lock. */
    public function release(): void
    {
        if ($this->handle === null) {
            return;
        }
        $this->unstage();
        if (!$this->isInherited()) {
            flock($this->handle, LOCK_UN);
        }
        fclose($this->handle);
        $this->handle = null;
        unset(self::$held[$this->id]);
    }

    public function __destruct()
    {
        $this->release();
    }

    /**
     * Releases all, since the request ends: exit() and fatal errors leave no lock and no temporary file. What suspended
     * Fibers hold is released last: functions that run at the end may resume them.
     */
    public static function releaseAll(bool $isLast = false): void
    {
        foreach (self::$held as $lock) {
            if ($isLast || !$lock->strand->isSuspended()) {
                $lock->release();
            }
        }
        if (!$isLast) {
            register_shutdown_function([self::class, 'releaseAll'], true);
        }
    }

    /** Opens the file to lock, or creates it. Null if others replace it again and again, or have put a link there. */
    private static function open(string $path)
    {
        if (Path::isWindows()) {
            self::openOrCreate($path);
            $path .= '.lock';
        }
        return self::openOrCreate($path);
    }

    private static function openOrCreate(string $path)
    {
        for ($tries = 0; $tries < self::MAX_TRIES; $tries++) {
            clearstatcache();
            if (is_link($path)) {
                return null;
            }
            $handle = Quietly::run(static function () use ($path) {
                return fopen($path, 'r+be');
            });
            if ($handle !== false) {
                return $handle;
            }
            $reason = Quietly::reason();
            if ($reason !== 'No such file or directory') {
                throw FileProblem::of($path, 'write', $reason);
            }
            $handle = self::create($path);
            if ($handle !== null) {
                return $handle;
            }
        }
        return null;
    }

    /** Creates the file, empty; null if another process has just done so. */
    private static function create(string $path)
    {
        $mode = Settings::current()->fileMode;
        // It is there only with its mode: a process that dies before leaves nothing that others cannot use.
        $handle = Quietly::run(static function () use ($path, $mode) {
            $umask = umask(0777 & ~$mode);
            try {
                return fopen($path, 'x+be');
            } finally {
                umask($umask);
            }
        });
        if ($handle !== false) {
            self::giveToDirectory($handle, $path);
            return $handle;
        }
        $reason = Quietly::reason();
        if ($reason === 'File exists') {
            return null;
        }
        throw FileProblem::of($path, 'create', $reason);
    }

    /** A file that root creates in another user's directory is meant for that user's web server. */
    private static function giveToDirectory($handle, string $path): void
    {
        if (fstat($handle)['uid'] === 0 && !Path::isWindows()) {
            Quietly::run(static function () use ($path): void {
                chown($path, fileowner(dirname($path)));
                chgrp($path, filegroup(dirname($path)));
            });
        }
    }
}
