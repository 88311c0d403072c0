<?php

namespace WxToken\Polyfill;

/**
 * Failures of files whose layout has no room for one. The extension keeps them in an attribute of the file, which PHP
 * cannot write: here, only this process knows of them.
 */
final class FailureRecords
{
    /** @var array<string, FailureRecord> By the real path. */
    private static $all = [];

    public static function of(string $file, Document $document): ?FailureRecord
    {
        return self::$all === [] || $document->hasRoom() ? null : self::$all[Path::resolve($file)] ?? null;
    }

    public static function keep(string $real, FailureRecord $record): void
    {
        self::$all[$real] = $record;
    }

    public static function forget(string $real): void
    {
        unset(self::$all[$real]);
    }
}
