<?php

namespace WxToken\Polyfill;

/**
 * The token files that this request remembers, and when a remembered token is still the file's.
 *
 * PHP knows the times of a file in whole seconds only, and some file systems keep every second one. So a token is
 * remembered once the file was met twice in the same version, with more than that between: whatever changes it later
 * gives it another version.
 */
final class Memory
{
    /** Seconds in which the clock that dates a file surely ticks. */
    public const TICK = 3.0;

    /** With more, it begins anew. */
    private const MAX_FILES = 16 * 1024;

    /** @var array<string, self> By kind and path. */
    private static $files = [];

    /** @var FileVersion */
    private $version;
    /** @var float When this version was first read, by the monotonic clock. */
    private $firstReadAt;
    /** @var Token|null Null while a later state of the file could have the same version. */
    private $token;

    private function __construct(FileVersion $version, float $firstReadAt, ?Token $token)
    {
        $this->version = $version;
        $this->firstReadAt = $firstReadAt;
        $this->token = $token;
    }

    /** The fresh token of the file at `$path`, an absolute one, if it is remembered and the file has not changed since. */
    public static function recall(string $path, string $kind, float $refreshAhead): ?string
    {
        $known = self::$files["$kind $path"] ?? null;
        if ($known === null || $known->token === null || !$known->token->isFresh(Clock::now(), $refreshAhead)) {
            return null;
        }
        clearstatcache();
        return (string) ini_get('open_basedir') === '' && is_file($path) && $known->version->isOf(stat($path)) ? $known->token->value : null;
    }

    /** Remembers what a look at the file of `$call` has found. */
    public static function remember(Call $call, Snapshot $snapshot): void
    {
        if ($call->layout === null && $snapshot->version !== null) {
            self::learn("$call->kind $call->file", $snapshot->version, $snapshot->began, $snapshot->document->token);
        }
    }

    /** Remembers the token that a file had in `$version`, in which it was from `$began` on. */
    public static function learn(string $name, FileVersion $version, float $began, Token $token): void
    {
        if (count(self::$files) >= self::MAX_FILES) {
            self::forget();
        }
        $known = self::$files[$name] ?? null;
        $isKnown = $known !== null && $known->version->equals($version);
        // Now it is in that version still, or will have another one.
        $firstReadAt = $isKnown ? $known->firstReadAt : Clock::monotonic();
        self::$files[$name] = new self($version, $firstReadAt, $began >= $firstReadAt + self::TICK ? $token : null);
    }

    /** A rejected token may be in it. */
    public static function forget(): void
    {
        self::$files = [];
    }
}
