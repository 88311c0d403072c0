<?php

namespace WxToken\Command;

use WxToken\Polyfill\LockHolder;
use WxToken\Polyfill\Path;
use WxToken\Polyfill\Problem;
use WxToken\Polyfill\Quietly;

/** The token file itself: what is in it, who may use it, and who holds its lock. */
final class FileChecks
{
    /** How long a lock is watched, in seconds: refreshes are shorter, mostly. */
    private const WATCH = 2.0;

    /** @return Finding[] */
    public static function file(Examination $examination): array
    {
        if ($examination->status === null) {
            return [Finding::skipped('no token file is named', 'Name it: wx-token doctor FILE')];
        }
        $status = $examination->status;
        $findings = [];
        if ($status['error'] !== null) {
            $findings[] = Finding::problem(...AccountCheck::split($status['error']));
        }
        if ($status['failure'] !== null) {
            [$what, $advice] = AccountCheck::split(FailureText::of($status['failure'], new Clock()));
            $findings[] = Finding::problem("the last refresh failed: $what", $advice);
        }
        if ($status['state'] === 'damaged') {
            $findings[] = Finding::warning('it is damaged: half written, or full of NUL bytes', 'The next call repairs it. Look for a program that writes it without a lock, and for a full disk');
        } elseif ($status['state'] === 'expired' && $status['expires_in'] > 0) {
            $findings[] = Finding::warning('its expiry is ' . Text::duration($status['expires_in']) . ' away, and WeChat gives two hours: it counts as expired', 'The next call repairs it. Check the clock of each server that writes it: one was ahead');
        } elseif ($status['state'] === 'expired' && $status['failure'] === null) {
            $since = $status['expires_in'] === null ? 'it has no token' : 'its token expired ' . Text::duration(-$status['expires_in']) . ' ago';
            $findings[] = Finding::warning("$since, and no call has refreshed it", 'That is normal where no request comes. The next call refreshes it; wx-token warm does it by cron');
        }
        if ($findings !== []) {
            return $findings;
        }
        if (!$status['exists']) {
            return [Finding::ok('it does not exist yet: the first call creates it')];
        }
        $valid = $status['expires_in'] === null ? '' : ', expires in ' . Text::duration($status['expires_in']);
        return [Finding::ok("{$status['state']}$valid; format {$status['layout']}; " . self::owner((string) $examination->file))];
    }

    /** @return Finding[] */
    public static function rights(Examination $examination): array
    {
        if ($examination->file === null) {
            return [Finding::skipped('no token file is named')];
        }
        $user = $examination->user;
        if ($user === null) {
            return [Finding::skipped($examination->whyNoUser)];
        }
        try {
            $file = Path::resolve($examination->file);
        } catch (Problem $problem) {
            return [Finding::problem(...AccountCheck::split($problem->getMessage()))];
        }
        $directory = dirname($file);
        $how = $user->isExact() ? '' : ' (by the permission bits: run this as root to try it)';
        $stopped = $user->stoppedAt($file);
        if ($stopped !== null) {
            return [Finding::problem("{$user->name} may not enter the directory $stopped (" . self::owner($stopped) . ")$how", 'chmod o+x ' . escapeshellarg($stopped) . ', or move the token file')];
        }
        $mayCreate = $user->may('wx', $directory);
        clearstatcache();
        if (!file_exists($file)) {
            return [$mayCreate ? Finding::ok("{$user->name} may create it in $directory$how")
                : Finding::problem("{$user->name} may not create it in $directory (" . self::owner($directory) . ")$how", "chown {$user->name} " . escapeshellarg($directory))];
        }
        $own = self::owner($file);
        if (!$user->may('r', $file)) {
            return [Finding::problem("{$user->name} may not read $file ($own)$how", "chown {$user->name} " . escapeshellarg($file))];
        }
        $isSticky = $mayCreate && !$user->mayReplaceIn($directory, $file);
        if ($mayCreate && !$isSticky) {
            return [Finding::ok("{$user->name} may read and replace it; directory: " . self::owner($directory) . $how)];
        }
        $why = $isSticky ? ', which is sticky: only owners replace files there' : '';
        // What others have in a sticky directory is no concern of this file.
        $chown = "chown {$user->name} " . escapeshellarg($isSticky ? $file : $directory);
        if (!$user->may('w', $file)) {
            return [Finding::problem("{$user->name} may neither write $file ($own) nor replace it in $directory (" . self::owner($directory) . ")$why$how", $isSticky ? $chown : "$chown " . escapeshellarg($file))];
        }
        return [Finding::warning(
            "{$user->name} may write $file, but not replace it" . ($isSticky ? " in $directory (" . self::owner($directory) . ")$why" : '') . ": it is written in place$how",
            $isSticky ? $chown : "$chown, unless the directory is to stay closed"
        )];
    }

    /** @return Finding[] */
    public static function lock(Examination $examination): array
    {
        if ($examination->status === null) {
            return [Finding::skipped('no token file is named')];
        }
        $first = $examination->lookAgain();
        if (!$first['locked']) {
            return [Finding::ok('nobody holds it')];
        }
        $deadline = microtime(true) + self::WATCH;
        do {
            usleep(50000);
            $now = $examination->lookAgain();
        } while ($now['locked'] && $now['holder_pid'] === $first['holder_pid'] && microtime(true) < $deadline);
        $holder = LockHolder::name($first['holder_pid']);
        if (!$now['locked'] || $now['holder_pid'] !== $first['holder_pid']) {
            return [Finding::ok("$holder held it for a moment")];
        }
        // A process that ended has left the lock to a child of its own.
        $state = $first['holder_pid'] === null ? '' : (string) Quietly::run(static function () use ($first) {
            return file_get_contents("/proc/{$first['holder_pid']}/status");
        });
        if (preg_match('/^State:\s+[Tt]/m', $state) === 1) {
            return [Finding::problem("$holder holds it, and is stopped", "Let it go on: kill -CONT {$first['holder_pid']}")];
        }
        $what = $now['refreshing'] ? 'refreshes it' : 'holds it without a refresh';
        $long = Text::duration((int) self::WATCH);
        return [in_array($now['state'], ['fresh', 'due'], true)
            ? Finding::warning("$holder $what, for more than $long; the token is valid meanwhile", 'See what that process waits for')
            : Finding::problem("$holder $what, for more than $long, and there is no valid token", 'See what that process waits for; its end releases the lock')];
    }

    /** Owner, group and mode of a file in words. */
    public static function owner(string $path): string
    {
        clearstatcache();
        $stat = Quietly::run(static function () use ($path) {
            return stat($path);
        });
        if (!is_array($stat)) {
            return 'cannot be looked at';
        }
        $names = [$stat['uid'], $stat['gid']];
        foreach (['/etc/passwd', '/etc/group'] as $index => $table) {
            $lines = (string) Quietly::run(static function () use ($table) {
                return file_get_contents($table);
            });
            if (preg_match("/^([^:\n]+):[^:\n]*:{$names[$index]}(?::|$)/m", $lines, $match) === 1) {
                $names[$index] = $match[1];
            }
        }
        return sprintf('%s:%s %04o', $names[0], $names[1], $stat['mode'] & 07777);
    }
}
