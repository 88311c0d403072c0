<?php

namespace WxToken\Polyfill;

/** A token file, as it was read. */
final class Snapshot
{
    /** The largest token file that is read, in bytes. */
    private const MAX_BYTES = 64 * 1024;

    /** PHP knows whole seconds: a file of this second or the last may still be being written in place. */
    private const RACY = 2000;

    /** How often a file is read that is being changed, a millisecond apart. */
    private const MOST_READS = 20;

    /** @var FileVersion|null Null if there was no file. */
    public $version;
    /** @var float When the reading began and ended, by the monotonic clock. */
    public $began = 0.0;
    public $ended = 0.0;
    /** @var Document */
    public $document;
    /** @var string */
    private $bytes;

    /**
     * Reads the token file at `$path`, which contains `$kind`, without a lock. A missing file is an empty document.
     *
     * @throws Problem
     */
    public static function read(string $path, string $kind, ?Layout $layout): self
    {
        return self::readIf(FileVersion::at($path), $path, $kind, $layout);
    }

    /** The same for a path that has been resolved: a link that is there now is no file. */
    public static function readResolved(string $path, string $kind, ?Layout $layout): self
    {
        return self::readIf(FileVersion::atResolved($path), $path, $kind, $layout);
    }

    private static function readIf(?FileVersion $seen, string $path, string $kind, ?Layout $layout): self
    {
        $snapshot = $seen === null ? null : self::readStable($path, $seen);
        if ($snapshot === null) {
            $snapshot = new self();
            $snapshot->document = Document::missing($kind, $layout, basename($path));
            return $snapshot;
        }
        try {
            $written = $snapshot->version->written();
            $snapshot->document = Document::parse($snapshot->bytes, $kind, $layout, basename($path), $written);
        } catch (Refusal $refusal) {
            throw FileProblem::refused($path, $refusal);
        }
        $snapshot->bytes = '';
        return $snapshot;
    }

    /** Reads until it reads the same twice, if the file has just been changed. */
    private static function readStable(string $path, FileVersion $seen): ?self
    {
        $reading = self::readOnce($path);
        for ($reads = 1; $reading !== null && $reads < self::MOST_READS && $reading->isRacy($seen); $reads++) {
            usleep(1000);
            $again = self::readOnce($path);
            if ($again !== null && $again->bytes === $reading->bytes && $again->version->equals($reading->version)) {
                return $again;
            }
            [$reading, $seen] = [$again, $reading->version];
        }
        return $reading;
    }

    private function isRacy(FileVersion $seen): bool
    {
        return abs(Clock::now() - $this->version->changed()) < self::RACY || !$this->version->equals($seen);
    }

    /** A write sets the time of change first, so the version is taken after the read. */
    private static function readOnce(string $path): ?self
    {
        $handle = Quietly::run(static function () use ($path) {
            return fopen($path, 'rbe');
        });
        if ($handle === false) {
            $reason = Quietly::reason();
            if ($reason === 'No such file or directory') {
                return null;
            }
            throw FileProblem::of($path, 'read', $reason);
        }
        $snapshot = new self();
        $snapshot->began = Clock::monotonic();
        $snapshot->bytes = (string) stream_get_contents($handle, self::MAX_BYTES + 1);
        $snapshot->version = new FileVersion(fstat($handle));
        $snapshot->ended = Clock::monotonic();
        fclose($handle);
        if (strlen($snapshot->bytes) > self::MAX_BYTES) {
            throw FileProblem::unusable($path, 'it is larger than 64 KiB', 'A token file is far smaller: check the path');
        }
        return $snapshot;
    }

    public function __debugInfo(): array
    {
        return [];
    }
}
