<?php

namespace WxToken\Command;

/** Statuses as metrics in the text format of Prometheus. The status page has the same names. */
final class Metrics
{
    private const STATES = ['fresh', 'due', 'expired', 'damaged', 'missing', 'unusable'];

    private const HELP = [
        'wx_token_state' => 'Whether the token file is in this state.',
        'wx_token_expires_at_seconds' => 'Unix time at which the token expires.',
        'wx_token_due_at_seconds' => 'Unix time from which on the token is refreshed.',
        'wx_token_failures' => 'Failed refreshes in a row.',
        'wx_token_retry_at_seconds' => 'Unix time before which nobody asks WeChat again, after a failure.',
        'wx_token_locked' => 'Whether a process holds the lock of the file.',
        'wx_token_stored' => 'Whether the newest token of this process is in the file.',
        'wx_token_exposed' => 'Whether others than the site may read the token file.',
        'wx_token_log_writable' => 'Whether the refresh log can be written.',
    ];

    /** @param array[] $statuses */
    public static function of(array $statuses): string
    {
        $samples = array_fill_keys(array_keys(self::HELP), []);
        foreach ($statuses as $status) {
            $file = self::label($status['file']);
            foreach (self::STATES as $state) {
                $samples['wx_token_state'][] = ["file=\"$file\",state=\"$state\"", (int) ($status['state'] === $state)];
            }
            if ($status['expires_at'] !== null) {
                $samples['wx_token_expires_at_seconds'][] = ["file=\"$file\"", $status['expires_at']];
                $samples['wx_token_due_at_seconds'][] = ["file=\"$file\"", $status['expires_at'] - $status['expires_in'] + $status['due_in']];
            }
            $samples['wx_token_failures'][] = ["file=\"$file\"", $status['failure']['failures'] ?? 0];
            if ($status['failure'] !== null) {
                $samples['wx_token_retry_at_seconds'][] = ["file=\"$file\"", $status['failure']['retry_at']];
            }
            $samples['wx_token_locked'][] = ["file=\"$file\"", (int) $status['locked']];
            $samples['wx_token_stored'][] = ["file=\"$file\"", (int) $status['stored']];
            if (array_key_exists('exposed', $status)) {
                $samples['wx_token_exposed'][] = ["file=\"$file\"", (int) ($status['exposed'] !== null)];
            }
            if (isset($status['log'])) {
                // There is one log, whatever the file.
                $samples['wx_token_log_writable'] = [['', (int) ($status['log']['error'] === null)]];
            }
        }
        $text = '';
        foreach (array_filter($samples) as $name => $values) {
            $text .= "# HELP $name " . self::HELP[$name] . "\n# TYPE $name gauge\n";
            foreach ($values as [$labels, $value]) {
                $text .= $name . ($labels === '' ? '' : '{' . $labels . '}') . " $value\n";
            }
        }
        return $text;
    }

    private static function label(string $value): string
    {
        return strtr(Text::clean($value), ['\\' => '\\\\', '"' => '\"', "\n" => '\n']);
    }
}
