<?php

namespace WxToken\Command;

/** The refresh log: whether it can be written, and what it says of other writers of the file. */
final class LogChecks
{
    private const DAYS = 7;
    private const LARGE = 1073741824; // Bytes.

    /** @return Finding[] */
    public static function writers(Examination $examination): array
    {
        $log = $examination->log();
        if ($examination->file === null) {
            return [Finding::skipped('no token file is named')];
        }
        if ($log === null || $log === 'syslog') {
            return [Finding::skipped($log === null ? 'wx_token.log is empty' : 'the log goes to syslog', $log === null
                ? 'Set wx_token.log = /var/log/wx_token.log, to see who refreshes and who else writes the file'
                : 'Name the file into which syslog writes: --log=/var/log/syslog')];
        }
        $since = (float) (time() - self::DAYS * 86400);
        $lines = new LogFiles($log, $since - History::BEFORE);
        [$file, $history] = [new SameFile($examination->file), new History()];
        foreach ($lines->lines() as $line) {
            if ($file->is($line->text('file'))) {
                $line->at < $since ? $history->remember($line) : $history->add($line);
            }
        }
        if ($lines->read === []) {
            return [Finding::skipped('the log cannot be read: ' . ($lines->unread[0] ?? $log))];
        }
        if ($history->foreign > 0) {
            $last = (new Clock())->time((int) $history->lastForeign);
            return [Finding::problem(
                'another program writes this file: seen ' . Text::count($history->foreign, 'time') . ' in ' . self::DAYS . " days, last at $last",
                'Find it (grep -rl ' . escapeshellarg(basename($examination->file)) . ' in the code of the site), and let it call wx_get_token(). wx-token history has each time'
            )];
        }
        return [Finding::ok(array_sum($history->events) === 0 ? 'the log has no event of this file in ' . self::DAYS . ' days'
            : 'none in ' . self::DAYS . ' days, by ' . Text::count(array_sum($history->events), 'event') . ' of the log')];
    }

    /** @return Finding[] */
    public static function log(Examination $examination): array
    {
        $log = $examination->log();
        if ($log === null) {
            return [Finding::skipped('wx_token.log is empty: refreshes are not logged', 'Set wx_token.log = /var/log/wx_token.log, or syslog')];
        }
        if ($log === 'syslog') {
            return [file_exists('/dev/log') ? Finding::ok('it goes to syslog: journalctl -t wx_token')
                : Finding::problem('it goes to syslog, and there is no /dev/log', 'Start a syslog daemon, or set wx_token.log to a file')];
        }
        clearstatcache();
        if (file_exists($log) && !is_file($log)) {
            return [Finding::problem("$log is no file", 'Set wx_token.log to the path of a file')];
        }
        $user = $examination->user;
        if ($user === null) {
            return [Finding::skipped($examination->whyNoUser)];
        }
        $stopped = $user->stoppedAt($log);
        if ($stopped !== null) {
            return [Finding::problem("{$user->name} may not write $log: it may not enter the directory $stopped (" . FileChecks::owner($stopped) . ')',
                'chmod o+x ' . escapeshellarg($stopped) . ', or set wx_token.log to a file in another directory')];
        }
        $target = file_exists($log) ? $log : dirname($log);
        if (!$user->may(is_dir($target) ? 'wx' : 'w', $target)) {
            return [Finding::problem("{$user->name} may not write $log ($target: " . FileChecks::owner($target) . ')',
                (is_file($log) ? "chown {$user->name} " : "install -o {$user->name} -m 0640 /dev/null ") . escapeshellarg($log))];
        }
        $error = $examination->status['log']['error'] ?? null;
        if ($error !== null) {
            return [Finding::problem(...AccountCheck::split("this process: $error"))];
        }
        if (is_file($log) && filesize($log) > self::LARGE) {
            return [Finding::warning("$log has " . intdiv((int) filesize($log), 1048576) . ' MiB', 'Let logrotate rotate it: it needs no signal')];
        }
        return [Finding::ok("{$user->name} may write $log")];
    }
}
