<?php

namespace WxToken\Polyfill;

/** What is wrong with a token file, on which path, and what to do about it. PHP tells the system's error as text. */
final class FileProblem
{
    /** `$task` failed on the file at `$path` for `$reason`, a text of the system. */
    public static function of(string $path, string $task, string $reason): Problem
    {
        [$problem, $remedy] = self::explain($path, $task, $reason);
        $isTooLong = strpos($reason, 'File name too long') !== false;
        $task = $reason === 'open_basedir' ? 'use' : $task;
        return Problem::file($path, "cannot $task " . Printable::text($path, $isTooLong ? 200 : 4096) . ': ' . Printable::text($problem) . ". $remedy");
    }

    /** The same about the file itself. */
    public static function unusable(string $path, string $problem, string $remedy): Problem
    {
        return Problem::file($path, 'cannot use ' . Printable::text($path) . ': ' . Printable::text($problem) . ". $remedy");
    }

    public static function refused(string $path, Refusal $refusal): Problem
    {
        return self::unusable($path, $refusal->getMessage(), "$refusal->remedy; the file is unchanged");
    }

    /** Why, without the path: as others may be told who share the file. */
    public static function reasonOf(string $path, string $task, string $reason): string
    {
        return self::explain($path, $task, $reason)[0];
    }

    /** The directory of the file at `$path`, if it is missing: no file can be created there. */
    public static function missingDirectory(string $path): ?Problem
    {
        return file_exists(dirname($path)) ? null : self::of($path, 'create', 'No such file or directory');
    }

    /** @return array{string, string} */
    private static function explain(string $path, string $task, string $reason): array
    {
        $directory = dirname($path);
        $shown = Printable::text($directory);
        switch ($reason) {
            case 'open_basedir':
                return ['open_basedir does not include it', 'Add the directory of the token file to open_basedir, or move the file'];
            case 'Permission denied':
            case 'Operation not permitted':
                return self::explainDenial($path, $task, $reason);
            case 'No such file or directory':
                if (!file_exists($directory)) {
                    return ["the directory $shown does not exist", 'Create it, or pass another path'];
                }
                return $task === 'create'
                    ? ["no file can be created in $shown", 'Pass a path in another directory']
                    : ['it does not exist', 'Check the path'];
            case 'Too many levels of symbolic links':
                return ['its symbolic links form a loop', 'Correct the link, or pass another path'];
            case 'Read-only file system':
                return ['the file system is read-only', 'Pass a path on a writable file system'];
            case 'No space left on device':
                return [$reason, 'Free some space; the old content is untouched'];
            case 'Disk quota exceeded':
                return ["the disk quota is used up ($reason)", 'Raise the quota, or delete files that count toward it; the old content is untouched'];
            case 'Is a directory':
                return ['it is a directory', 'Pass the path of a regular file'];
            case 'File name too long':
                return ['the name is too long', 'Pass a shorter path'];
            case 'Not a directory':
                return ['a part of the path is a file, not a directory', 'Check the path'];
            case 'Too many open files':
                return [$reason, 'Raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), or close some'];
        }
        return [$reason === '' ? 'it failed, and PHP does not say why' : $reason, 'Check the file system'];
    }

    /** @return array{string, string} */
    private static function explainDenial(string $path, string $task, string $reason): array
    {
        clearstatcache();
        $isAboutFile = ($task === 'read' || $task === 'write' || $task === 'lock') && file_exists($path);
        $place = $isAboutFile ? $path : dirname($path);
        $name = self::user();
        $user = $name === null ? 'of this process' : $name;
        $remedy = $name === null ? 'Give the user of this process access' : "Run chown $name " . Printable::text($place);
        if (!file_exists($place)) {
            return ["user $user may not enter a directory on the way to it", 'Give that user access, or pass another path'];
        }
        $shown = Printable::text($place);
        $owner = sprintf('%s:%s, mode %04o', self::nameOf(fileowner($place), 'posix_getpwuid'), self::nameOf(filegroup($place), 'posix_getgrgid'), fileperms($place) & 07777);
        $isAllowed = $isAboutFile ? is_readable($place) && ($task === 'read' || is_writable($place)) : is_writable($place);
        if ($isAllowed) {
            return ["access is denied ($reason), although owner and mode allow it", 'A sandbox (seccomp) or a security module may forbid it'];
        }
        $what = $isAboutFile ? 'the file' : 'the directory';
        $problem = $isAboutFile
            ? "user $user has no permission; the file is owned by $owner"
            : "user $user may not write to the directory $shown, which is owned by $owner";
        return [$problem, "$remedy, or share $what through a group"];
    }

    /** Who runs this process; null if PHP does not say. */
    private static function user(): ?string
    {
        return function_exists('posix_geteuid') ? self::nameOf(posix_geteuid(), 'posix_getpwuid') : null;
    }

    private static function nameOf(int $id, string $function): string
    {
        $entry = function_exists($function) ? $function($id) : false;
        return $entry === false ? (string) $id : $entry['name'];
    }
}
