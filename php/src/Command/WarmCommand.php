<?php

namespace WxToken\Command;

/** `wx-token warm`: refreshes what is due, and waits until that is done, for cron. */
final class WarmCommand extends Subcommand
{
    public const SUMMARY = 'refreshes the tokens that are due, once, and says what it did';
    public const OPTIONS = Arguments::CALL + ['json' => Arguments::FLAG, 'quiet' => Arguments::FLAG];
    public const HELP = <<<'E'
usage: wx-token warm [OPTION]... FILE...

Refreshes each token that is due, expired or missing. It waits for that, whatever wx_token.background says, and for a
refresh that another process has begun. A fresh token is left alone. Run it by cron as the user of the web server.

  --refresh-ahead=S     seconds before its expiry at which a token is due: more than the time between two runs
  --appid=ID            one of several accounts of wx_token.accounts_file (--corpid=ID for WeCom)
  --endpoint=NAME       stable, classic or wecom
  --layout=NAME         how a new file writes token and expiry, or an ambiguous one
  --lock-timeout=S      longest wait for the lock
  --timeout=S           longest time of a fetch
  --quiet               prints only what went wrong
  --json                prints an object for each file, one a line

The endpoint stable gives the same token until some five minutes before its expiry. That is no failure.

exit codes: the largest of all files counts
   0  each token is valid, and no refresh failed
   1  a refresh failed, or none is allowed yet
   2  a file or the configuration cannot be used
  64  the command line is wrong

E;

    private const LOOK_EVERY = 50000; // Microseconds.

    /** @throws UsageError */
    public function run(Arguments $arguments): int
    {
        $worst = ExitCode::OK;
        // What a worker does is known only after this process has ended.
        ini_set('wx_token.background', '0');
        foreach ($arguments->files(1) as $file) {
            $done = $this->warm($file, $arguments);
            $worst = max($worst, $done['code']);
            $this->show($done, $arguments);
        }
        return $worst;
    }

    /** @return array{file: string, did: string, code: int, message: string, took_ms: int, expires_at: ?int} */
    private function warm(string $file, Arguments $arguments): array
    {
        $began = microtime(true);
        $source = $arguments->source();
        $described = array_intersect_key($source ?? [], ['layout' => 1, 'refresh_ahead' => 1]) ?: null;
        $this->terminal->progress('looking at ' . Text::clean($file));
        try {
            $before = Functions::status($file, $described);
        } catch (UnfitPath | \WxToken\Exception $error) {
            return ['file' => Text::clean($file), 'did' => 'failed', 'code' => ExitCode::CRITICAL, 'message' => Text::clean($error->getMessage()), 'took_ms' => 0, 'expires_at' => null];
        }
        try {
            Functions::token($file, $source);
            $this->waitForOthers($file, $described, $arguments);
            $after = Functions::status($file, $described);
            [$did, $code, $message] = $this->compare($before, $after);
        } catch (\WxToken\Exception $error) {
            $after = Functions::status($file, $described);
            [$did, $code, $message] = ['failed', Failure::exitCode($error), $error->getMessage()];
        }
        $took = (int) round((microtime(true) - $began) * 1000);
        return [
            'file' => Text::clean($after['file']), 'did' => $did, 'code' => $code, 'message' => Text::clean($message),
            'took_ms' => $took, 'expires_at' => $after['expires_at'],
        ];
    }

    /** A valid token is returned at once while another process refreshes it: this waits for the result. */
    private function waitForOthers(string $file, ?array $described, Arguments $arguments): void
    {
        $limit = (float) ($arguments->value('lock-timeout') ?? (Setting::of('lock_timeout') ?: 10))
            + (float) ($arguments->value('timeout') ?? (Setting::of('timeout') ?: 8));
        $deadline = microtime(true) + $limit;
        while (microtime(true) < $deadline) {
            $status = Functions::status($file, $described);
            if (!$status['refreshing'] || $status['state'] === 'fresh') {
                return;
            }
            $this->terminal->progress('waiting for the refresh by process ' . ($status['holder_pid'] ?? '?'));
            usleep(self::LOOK_EVERY);
        }
    }

    /** @return array{string, int, string} What was done, the exit code, and what to say. */
    private function compare(array $before, array $after): array
    {
        $left = $after['expires_in'] === null ? '' : 'expires in ' . Text::duration($after['expires_in']);
        if (!$after['stored']) {
            return ['not stored', ExitCode::CRITICAL, (string) $after['error']];
        }
        if ($after['failure'] !== null) {
            $failure = $after['failure'];
            $isNew = $failure['failed_at'] !== ($before['failure']['failed_at'] ?? null)
                || $failure['failures'] !== ($before['failure']['failures'] ?? null);
            return [$isNew ? 'failed' : 'paused', ExitCode::WARNING, FailureText::of($failure, $this->clock()) . ($left === '' ? '' : "; its old token $left")];
        }
        // The expiry of a token that WeChat gives again differs by a second at most: its answers have whole seconds.
        if (abs($after['expires_at'] - ($before['expires_at'] ?? 0)) > 2) {
            return ['refreshed', ExitCode::OK, $left];
        }
        if ($after['state'] === 'fresh') {
            return ['fresh', ExitCode::OK, $left];
        }
        return $after['refreshing']
            ? ['busy', ExitCode::WARNING, 'process ' . ($after['holder_pid'] ?? '?') . " still refreshes it; its old token $left"]
            : ['unchanged', ExitCode::OK, "WeChat gives the same token for now; it $left"];
    }

    private function show(array $done, Arguments $arguments): void
    {
        if ($arguments->has('quiet') && $done['code'] === ExitCode::OK) {
            return;
        }
        if ($arguments->has('json')) {
            $this->terminal->write(Json::line($done));
            return;
        }
        $colour = ['green', 'yellow', 'red'][$done['code']];
        $did = $this->terminal->colour($colour, Text::pad($done['did'], 10));
        $took = $done['did'] === 'fresh' ? '' : ' (' . Text::milliseconds($done['took_ms']) . ')';
        if ($done['code'] === ExitCode::OK) {
            $this->terminal->write($this->terminal->paragraph("{$done['file']}: {$done['message']}$took", '            ', "$did  "));
        } else {
            // Its message names the file, if it is that of an exception.
            $names = strpos($done['message'], $done['file']) !== false ? '' : "{$done['file']}: ";
            $this->terminal->write($this->terminal->paragraph("$names{$done['message']}$took", '            ', "$did  "));
        }
    }
}
