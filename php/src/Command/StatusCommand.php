<?php

namespace WxToken\Command;

use WxToken\Polyfill\LockHolder;

/** `wx-token status`: what is in token files, as a table, JSON or metrics. */
final class StatusCommand extends Subcommand
{
    public const SUMMARY = 'shows token files: state, expiry, last failure, who holds the lock';
    public const OPTIONS = [
        'json' => Arguments::FLAG, 'prometheus' => Arguments::FLAG, 'watch' => Arguments::OPTIONAL_VALUE,
        'layout' => Arguments::VALUE, 'refresh-ahead' => Arguments::VALUE,
    ];
    public const HELP = <<<'E'
usage: wx-token status [OPTION]... FILE...

Looks at token and ticket files. It takes no lock, asks nobody, and never shows a token.

  --json                a JSON list, with the keys of wx_token_status()
  --prometheus          metrics, for the textfile collector of node_exporter
  --watch[=SECONDS]     shows it again every 2 seconds, until it is interrupted (Ctrl-C)
  --layout=NAME         what an ambiguous file means, as in the calls on it
  --refresh-ahead=S     seconds before its expiry at which a token is due, as in the calls on it

exit codes: the largest of all files counts
   0  each token is fresh
   1  a token is due, expired, damaged or missing (the next call refreshes it), its last refresh failed, it could not
      be stored, or others than the site may read it
   2  a file is unusable or cannot be created: no call can get a token from it
  64  the command line is wrong
With --prometheus it is 0 once the metrics are written.

E;

    /** What is said of each state: its colour, and the exit code. */
    private const STATES = [
        'fresh' => ['green', ExitCode::OK],
        'due' => ['yellow', ExitCode::WARNING],
        'expired' => ['yellow', ExitCode::WARNING],
        'damaged' => ['yellow', ExitCode::WARNING],
        'missing' => ['yellow', ExitCode::WARNING],
        'unusable' => ['red', ExitCode::CRITICAL],
    ];

    /** The least columns for a path in a table: with less, it gets a line of its own. */
    private const LEAST_PATH = 24;

    /** @throws UsageError */
    public function run(Arguments $arguments): int
    {
        $files = $arguments->files(1);
        if ($arguments->has('json') && $arguments->has('prometheus')) {
            throw new UsageError('--json and --prometheus exclude each other. Take one');
        }
        if (!$arguments->has('watch')) {
            $statuses = $this->read($files, $arguments);
            $this->terminal->write($this->shown($statuses, $arguments));
            return $arguments->has('prometheus') ? ExitCode::OK : self::worst($statuses);
        }
        return $this->watch($files, $arguments, $arguments->seconds('watch', 2.0, 0.1));
    }

    /** Ends with an interrupt, or when nobody reads any more. */
    private function watch(array $files, Arguments $arguments, float $pause): int
    {
        do {
            $this->terminal->forgetSize();
            $statuses = $this->read($files, $arguments);
            $text = $this->shown($statuses, $arguments);
            if ($this->terminal->isTerminal && !$arguments->has('json') && !$arguments->has('prometheus')) {
                $text = $this->frame($text, $pause);
            }
            $this->terminal->write($text);
            if (!$this->terminal->hasArrived()) {
                break;
            }
            usleep((int) ($pause * 1e6));
        } while (true);
        return self::worst($statuses);
    }

    /** A screen in the place of the one before, written at once, so that nothing flickers. */
    private function frame(string $text, float $pause): string
    {
        [$rows] = $this->terminal->size();
        $title = 'every ' . (float) $pause . " s, {$this->clock()->format(time(), 'H:i:s')} ({$this->clock()->name()})";
        $lines = array_merge([$this->terminal->colour('dim', Text::shorten($title, $this->terminal->width()))], explode("\n", rtrim($text, "\n")));
        if (count($lines) > $rows - 1) {
            $hidden = count($lines) - ($rows - 2);
            $lines = array_slice($lines, 0, max(1, $rows - 2));
            $lines[] = $this->terminal->colour('dim', "… $hidden more lines: make the window larger");
        }
        return "\e[H" . implode("\e[K\n", $lines) . "\e[K\n\e[J";
    }

    /** @return array[] */
    private function read(array $files, Arguments $arguments): array
    {
        $source = $arguments->source();
        return array_map(static function (string $file) use ($source): array {
            try {
                return Functions::status($file, $source);
            } catch (UnfitPath | \WxToken\Exception $error) {
                return [
                    'file' => $file, 'exists' => false, 'state' => 'unusable', 'stored' => true, 'layout' => null, 'expires_at' => null,
                    'expires_in' => null, 'due_in' => null, 'failure' => null, 'locked' => false, 'holder_pid' => null,
                    'refreshing' => false, 'store' => null, 'log' => null, 'exposed' => null, 'error' => $error->getMessage(),
                    'implementation' => Implementation::isExtension() ? 'extension' : 'polyfill',
                ];
            }
        }, $files);
    }

    private static function worst(array $statuses): int
    {
        return max(array_map([self::class, 'exitCode'], $statuses));
    }

    private static function exitCode(array $status): int
    {
        [, $code] = self::STATES[$status['state']];
        if ($status['state'] === 'missing' && $status['error'] !== null) {
            return ExitCode::CRITICAL;
        }
        return $status['failure'] !== null || !$status['stored'] || isset($status['exposed']) ? max($code, ExitCode::WARNING) : $code;
    }

    private function shown(array $statuses, Arguments $arguments): string
    {
        if ($arguments->has('json')) {
            return Json::line(array_map(static function (array $status): array {
                $status['file'] = Text::clean($status['file']);
                return $status;
            }, $statuses));
        }
        return $arguments->has('prometheus') ? Metrics::of($statuses) : $this->table($statuses);
    }

    private function table(array $statuses): string
    {
        $rows = array_map(function (array $status): array {
            return [$status['state'], self::expiry($status), self::refresh($status), Text::clean($status['file'])];
        }, $statuses);
        $titles = ['STATE', 'EXPIRES', 'REFRESH'];
        $widths = [];
        foreach ($titles as $column => $title) {
            $widths[$column] = max(array_map([Text::class, 'width'], array_merge([$title], array_column($rows, $column))));
        }
        $left = $this->terminal->width() - array_sum($widths) - 2 * count($widths);
        $isNarrow = $this->terminal->width() !== PHP_INT_MAX && $left < self::LEAST_PATH;
        $text = $isNarrow ? '' : $this->terminal->colour('bold', self::line(array_merge($titles, ['FILE']), $widths)) . "\n";
        foreach ($rows as $index => $row) {
            $text .= $isNarrow ? $this->block($row, $statuses[$index]) : $this->row($row, $widths, $left);
            foreach ($this->notes($statuses[$index]) as [$colour, $note]) {
                $text .= $this->terminal->colour($colour, rtrim($this->terminal->paragraph($note, '    ', '  - '), "\n")) . "\n";
            }
        }
        return $text;
    }

    private static function line(array $cells, array $widths): string
    {
        $line = '';
        foreach ($cells as $column => $cell) {
            $line .= isset($widths[$column]) ? Text::pad($cell, $widths[$column]) . '  ' : $cell;
        }
        return $line;
    }

    private function row(array $row, array $widths, int $left): string
    {
        $state = array_shift($row);
        $row[2] = Text::shorten($row[2], $left);
        $rest = self::line($row, array_slice($widths, 1));
        return $this->terminal->colour(self::STATES[$state][0], Text::pad($state, $widths[0])) . "  $rest\n";
    }

    /** The same for a terminal that is too narrow for a table: a path gets a line of its own. */
    private function block(array $row, array $status): string
    {
        [$state, $expires, $refresh, $file] = $row;
        $parts = array_filter([
            $status['expires_in'] === null ? '' : ($status['expires_in'] > 0 ? "expires $expires" : "expired $expires"),
            $refresh === '' ? '' : "refresh $refresh",
        ], 'strlen');
        $width = $this->terminal->width();
        $text = $this->terminal->colour('bold', implode("\n", Text::wrap($file, $width))) . "\n";
        $text .= '  ' . $this->terminal->colour(self::STATES[$state][0], $state) . "\n";
        foreach ($parts as $part) {
            $text .= $this->terminal->paragraph($part, '    ', '  ');
        }
        return $text;
    }

    private static function expiry(array $status): string
    {
        $in = $status['expires_in'];
        if ($in === null) {
            return '';
        }
        return $in > 0 ? 'in ' . Text::duration($in) : Text::duration(-$in) . ' ago';
    }

    /** When it is refreshed next. */
    private static function refresh(array $status): string
    {
        if ($status['refreshing']) {
            return 'running';
        }
        $wait = ($status['failure']['retry_at'] ?? 0) - time();
        if ($status['state'] === 'unusable' || self::exitCode($status) === ExitCode::CRITICAL) {
            return '';
        }
        if ($status['state'] === 'fresh') {
            return 'in ' . Text::duration((int) $status['due_in']);
        }
        return $wait > 0 ? 'paused, ' . Text::duration($wait) : 'at the next call';
    }

    /** @return array<array{string, string}> Colours and sentences. */
    private function notes(array $status): array
    {
        $notes = [];
        if ($status['error'] !== null) {
            $notes[] = ['red', Text::clean($status['error'])];
        }
        if ($status['failure'] !== null) {
            $notes[] = ['red', FailureText::of($status['failure'], $this->clock())];
        }
        if ($status['state'] === 'expired' && $status['expires_in'] > 0) {
            $notes[] = ['yellow', 'its expiry is more than a day away, and WeChat gives two hours: a clock that was ahead has written it. It counts as expired'];
        }
        if (isset($status['exposed'])) {
            $notes[] = ['yellow', Text::clean($status['exposed'])];
        }
        if ($status['locked']) {
            $holder = LockHolder::name($status['holder_pid']);
            $notes[] = ['yellow', $status['refreshing'] ? "$holder refreshes it" : "$holder holds its lock"];
        }
        if (isset($status['store']['error'])) {
            $notes[] = ['yellow', 'shared store ' . Text::clean($status['store']['place']) . ': ' . Text::clean($status['store']['error'])];
        }
        if (isset($status['log']['error'])) {
            $notes[] = ['yellow', 'log ' . Text::clean($status['log']['place']) . ': ' . Text::clean($status['log']['error'])];
        }
        return $notes;
    }
}
