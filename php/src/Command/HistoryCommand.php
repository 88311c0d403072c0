<?php

namespace WxToken\Command;

/** `wx-token history`: who refreshed a file, when and how, from the refresh log. */
final class HistoryCommand extends Subcommand
{
    public const SUMMARY = 'shows from the log who refreshed a file, gaps, failures and other writers';
    public const OPTIONS = [
        'log' => Arguments::VALUE, 'since' => Arguments::VALUE, 'json' => Arguments::FLAG, 'waits' => Arguments::FLAG,
    ];
    public const HELP = <<<'E'
usage: wx-token history [OPTION]... FILE

Reads the log of wx_token.log, and what logrotate has made of it (LOG.1, LOG.2.gz, LOG-20261130). Shows each event of
the file, and sums them up. A token is shown as its fingerprint: the first 8 digits of its SHA-256 hash.

  --log=LOG             another log; "-" is the standard input, as for the log in syslog:
                        journalctl -t wx_token -o cat | wx-token history --log=- FILE
  --since=TIME          from when on: 90min, 36h, 7d, 2026-11-30, "2026-11-30 14:00", 14:00 (default: 24h)
  --waits               also each call that waited for another one's refresh
  --json                one object, with a list of events and the sums

exit codes:
   0  refreshes were found, and nothing went wrong
   1  something went wrong: failures, lock timeouts, other writers, tokens that were not stored, or time without a token
   2  the log cannot be read
  64  the command line is wrong

E;

    /** The columns before the last one, which takes the rest. */
    private const WIDTHS = ['time' => 19, 'event' => 12, 'took' => 8, 'token' => 17];

    /** So many rows wait for a second host, and no more: a log may have millions. */
    private const HELD = 1000;

    private const UNITS = ['s' => 1, 'min' => 60, 'h' => 3600, 'd' => 86400];

    /** @throws UsageError */
    public function run(Arguments $arguments): int
    {
        $file = new SameFile($arguments->files(1, 1)[0]);
        $path = self::log($arguments->value('log'));
        $since = $this->since($arguments->value('since') ?? '24h');
        if ($path === null) {
            $this->terminal->complain("wx-token: there is no log: wx_token.log is empty. Set it in php.ini, or name a log: --log=LOG\n");
            return ExitCode::CRITICAL;
        }
        if ($path === 'syslog') {
            $this->terminal->complain('wx-token: the log goes to syslog. Run journalctl -t wx_token -o cat | wx-token history --log=- '
                . Text::clean(escapeshellarg($arguments->files(1, 1)[0])) . ", or name the file into which syslog writes: --log=/var/log/syslog\n");
            return ExitCode::CRITICAL;
        }
        $log = new LogFiles($path, (float) $since - History::BEFORE);
        $history = new History();
        $isJson = $arguments->has('json');
        $this->terminal->write($isJson
            ? '{"file":' . Json::of(Text::clean($file->path)) . ',"log":' . Json::of(Text::clean($path)) . ',"since":'
                . Json::of(LogLine::rfc3339($since)) . ',"events":['
            : '');
        $shown = 0;
        $held = [];
        $this->terminal->progress('reading ' . Text::clean($path));
        foreach ($log->lines() as $line) {
            if (!$file->is($line->text('file'))) {
                continue;
            }
            if ($line->at < $since) {
                $history->remember($line);
                continue;
            }
            $gap = $history->add($line);
            if ($line->event === 'waited' && !$arguments->has('waits')) {
                continue;
            }
            if ($isJson) {
                $this->terminal->write(($shown > 0 ? ',' : '') . Json::of($line->toArray()));
            } else {
                $held[] = [$line, $gap, $history->isForeign];
                // The first lines wait for a second host: each is to have its name then.
                if (count($history->hosts) > 1 || count($held) >= self::HELD) {
                    $this->showRows($held, $history, $shown === count($held) - 1);
                    $held = [];
                }
            }
            $shown++;
        }
        $this->showRows($held, $history, $shown === count($held));
        if ($isJson) {
            $sums = $history->toArray() + [
                'logs' => array_map([Text::class, 'clean'], $log->read), 'unread' => $log->unread, 'broken_lines' => $log->broken,
                'lines_of_others' => $log->others,
            ];
            $this->terminal->write('],"sums":' . Json::of($sums) . "}\n");
        } else {
            $this->terminal->write(($shown > 0 ? "\n" : '') . $this->sums($history, $log, $file, $since));
        }
        return self::exitCode($history, $log);
    }

    /** The file of the log, or "syslog"; null if there is none. */
    private static function log(?string $named): ?string
    {
        $path = $named ?? Setting::of('log');
        return $path === '' ? null : $path;
    }

    /** @throws UsageError */
    private function since(string $text): int
    {
        if (preg_match('/^(\d{1,6})(s|min|h|d)$/D', $text, $match) === 1) {
            return time() - (int) $match[1] * self::UNITS[$match[2]];
        }
        $time = $this->clock()->read($text);
        if ($time === null) {
            throw new UsageError('--since must be a span such as 90min, 36h or 7d, or a time such as 2026-11-30, "2026-11-30 14:00" or 14:00');
        }
        return $time;
    }

    private static function exitCode(History $history, LogFiles $log): int
    {
        if ($log->read === []) {
            return ExitCode::CRITICAL;
        }
        $bad = ['failed', 'not_stored', 'displaced', 'interrupted', 'lock_timeout'];
        $wrong = array_sum(array_intersect_key($history->events, array_flip($bad))) + $history->foreign;
        $isQuiet = $history->events['refreshed'] + $history->events['adopted'] + $history->events['stored'] > 0;
        return $wrong > 0 || $history->gaps > 0 || !$isQuiet ? ExitCode::WARNING : ExitCode::OK;
    }

    private function isNarrow(): bool
    {
        return $this->terminal->width() < array_sum(self::WIDTHS) + 2 * count(self::WIDTHS) + 24;
    }

    private function titles(): string
    {
        if ($this->isNarrow()) {
            return '';
        }
        return $this->terminal->colour('bold', $this->cells("TIME ({$this->shortZone()})", 'EVENT', 'TOOK', 'TOKEN') . 'BY, AND WHAT ELSE') . "\n";
    }

    private function shortZone(): string
    {
        $zone = $this->clock()->format(time(), 'T');
        return strlen($zone) > 11 ? 'local' : $zone;
    }

    private function cells(string $time, string $event, string $took, string $token): string
    {
        $text = '';
        foreach (array_combine(array_keys(self::WIDTHS), [$time, $event, $took, $token]) as $name => $cell) {
            $text .= Text::pad($cell, self::WIDTHS[$name]) . '  ';
        }
        return $text;
    }

    private function gap(float $seconds): string
    {
        return $seconds < 0.001 ? '' : $this->terminal->colour('yellow', '  -- no valid token for ' . self::span($seconds) . ' --') . "\n";
    }

    private static function span(float $seconds): string
    {
        return $seconds < 10 ? Text::milliseconds((int) round($seconds * 1000)) : Text::duration((int) round($seconds));
    }

    /** @param array<array{LogLine, float, bool}> $rows Lines, the time without a token before each, and whether it tells of another writer. */
    private function showRows(array $rows, History $history, bool $areFirst): void
    {
        foreach ($rows as $index => [$line, $gap, $isForeign]) {
            $titles = $areFirst && $index === 0 ? $this->titles() : '';
            $this->terminal->write($titles . $this->gap($gap) . $this->row($line, $isForeign, count($history->hosts) > 1));
        }
    }

    private function row(LogLine $line, bool $isForeign, bool $withHost): string
    {
        $time = $this->clock()->format((int) $line->at, 'Y-m-d H:i:s');
        $ms = $line->event === 'waited' ? $line->number('waited_ms') : $line->number('fetch_ms') ?? $line->number('waited_ms');
        $took = $ms === null ? '' : Text::milliseconds($ms);
        $token = implode('>', array_filter([substr($line->text('old'), 0, 8), substr($line->text('new'), 0, 8)], 'strlen'));
        $details = implode('; ', $this->details($line, $isForeign, $withHost));
        $colours = ['error' => 'red', 'warning' => 'yellow', 'notice' => 'green'];
        $colour = $colours[$line->text('level')] ?? 'dim';
        if ($this->isNarrow()) {
            $head = "$time " . $this->terminal->colour($colour, $line->event) . "\n";
            return $head . $this->terminal->paragraph(implode('; ', array_filter([$took, $token, $details], 'strlen')), '  ');
        }
        $indent = str_repeat(' ', array_sum(self::WIDTHS) + 2 * count(self::WIDTHS));
        $cells = $this->cells($time, $line->event, $took, $token);
        $event = Text::pad($line->event, self::WIDTHS['event']);
        // The cells have no other place with the padded word at that column.
        $cells = substr_replace($cells, $this->terminal->colour($colour, $event), self::WIDTHS['time'] + 2, strlen($event));
        return $this->terminal->paragraph($details, $indent, $cells);
    }

    /** @return string[] */
    private function details(LogLine $line, bool $isForeign, bool $withHost): array
    {
        $who = array_filter([$withHost ? $line->text('host') : '', $line->text('sapi'), (string) $line->number('pid'), $line->text('script')], 'strlen');
        $details = [implode(' ', $who)];
        if ($line->text('ticket') !== '') {
            $details[] = "ticket {$line->text('ticket')}";
        }
        if ($isForeign && $line->event !== 'displaced') {
            $details[] = 'the old token was written by another program';
        }
        $code = $line->number('errcode');
        if ($code !== null || $line->text('message') !== '') {
            $details[] = implode(' ', array_filter([$code === null ? '' : "errcode $code", $line->text('message')], 'strlen'));
        }
        if (($line->number('failures') ?? 0) > 1) {
            $details[] = "failure {$line->number('failures')} in a row";
        }
        if ($line->time('retry_at') !== null) {
            $details[] = 'next attempt at ' . $this->clock()->format((int) $line->time('retry_at'), 'H:i:s');
        }
        if (($line->number('requests') ?? 1) > 1) {
            $details[] = "{$line->number('requests')} requests";
        }
        if ($line->number('holder_pid') !== null) {
            $details[] = "process {$line->number('holder_pid')} held the lock";
        }
        if ($line->time('expires_at') !== null) {
            $details[] = 'valid until ' . $this->clock()->format((int) $line->time('expires_at'), 'H:i:s');
        }
        return array_values(array_filter($details, 'strlen'));
    }

    private function sums(History $history, LogFiles $log, SameFile $file, int $since): string
    {
        $events = $history->events;
        $text = $this->terminal->paragraph(Text::clean($file->path) . ' since ' . $this->clock()->format($since, 'Y-m-d H:i:s') . " ({$this->clock()->name()}):");
        $sentences = [];
        $refreshes = Text::count($events['refreshed'], 'refresh', 'refreshes');
        $sentences[] = ['', $history->averageFetch() === null ? $refreshes : $refreshes . ', a fetch took ' . Text::milliseconds($history->averageFetch())
            . ' on average, ' . Text::milliseconds($history->longestFetch) . ' at most'];
        $sentences[] = ['', $events['adopted'] === 0 ? '' : Text::count($events['adopted'], 'token') . ' of other servers, from the shared store'];
        $sentences[] = ['', $events['stored'] === 0 ? '' : Text::count($events['stored'], 'token') . ' could be stored later'];
        $sentences[] = ['', $events['waited'] === 0 ? '' : Text::count($events['waited'], 'call') . " waited for another one's refresh"];
        $sentences[] = ['', $history->longestWait === 0 ? '' : 'no call waited longer than ' . Text::milliseconds($history->longestWait)];
        $sentences[] = ['', count($history->hosts) < 2 ? '' : 'events of ' . count($history->hosts) . ' hosts: ' . self::ranking($history->hosts)];
        $sentences[] = ['', count($history->scripts) < 2 ? '' : 'refreshed by ' . self::ranking($history->scripts)];
        $sentences[] = ['red', $history->failures === [] ? '' : Text::count($events['failed'], 'failure') . ': ' . self::ranking($history->failures)];
        $sentences[] = ['red', $events['lock_timeout'] === 0 ? '' : Text::count($events['lock_timeout'], 'call') . ' did not acquire the lock in time'];
        $sentences[] = ['red', $events['not_stored'] === 0 ? '' : Text::count($events['not_stored'], 'token') . ' could not be stored'];
        $sentences[] = ['yellow', $events['interrupted'] === 0 ? '' : Text::count($events['interrupted'], 'refresh', 'refreshes') . ' ended with the process, before the token was stored'];
        $sentences[] = ['yellow', $events['rejected'] === 0 ? '' : Text::count($events['rejected'], 'token') . ' rejected by an API of WeChat'];
        $sentences[] = ['yellow', $history->foreign === 0 ? '' : 'another program writes this file: seen ' . Text::count($history->foreign, 'time')
            . ', last at ' . $this->clock()->time((int) $history->lastForeign) . '. Find it, and let it call wx_get_token()'];
        $sentences[] = ['yellow', $history->gaps < 0.001 ? '' : 'no valid token for ' . self::span($history->gaps) . ' in all (no call came, or refreshes failed)'];
        $sentences[] = ['', array_sum($events) > 0 || $log->read === [] ? '' : 'the log has no event of this file'];
        $skipped = array_filter([
            $log->broken === 0 ? '' : Text::count($log->broken, 'broken line'),
            $log->others === 0 ? '' : Text::count($log->others, 'line') . ' of other programs',
        ], 'strlen');
        $sentences[] = ['dim', $skipped === [] ? '' : 'left out: ' . implode(', ', $skipped)];
        foreach ($log->unread as $reason) {
            $sentences[] = ['red', "cannot read the log $reason"];
        }
        foreach ($sentences as [$colour, $sentence]) {
            if ($sentence !== '') {
                $paragraph = $this->terminal->paragraph($sentence, '    ', '  - ');
                $text .= $colour === '' ? $paragraph : $this->terminal->colour($colour, rtrim($paragraph, "\n")) . "\n";
            }
        }
        return $text;
    }

    /** The most frequent names: "3 × a, 1 × b". */
    private static function ranking(array $counts): string
    {
        arsort($counts);
        $shown = [];
        foreach (array_slice($counts, 0, 5, true) as $name => $count) {
            $shown[] = "$count x $name";
        }
        return implode(', ', $shown) . (count($counts) > 5 ? ', …' : '');
    }
}
