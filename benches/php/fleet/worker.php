<?php
// A process of one machine of a fleet: worker.php TOKEN_FILE
// Each line that it reads is a moment, and for how many seconds it calls from then on, every 10 ms. It reports the slowest
// call, and whether all got a token.

[, $file] = $argv;
echo "ready\n";
while (($line = fgets(STDIN)) !== false) {
    [$moment, $seconds] = array_map('floatval', explode(' ', $line));
    time_sleep_until($moment);
    $report = ['slowest_ms' => 0, 'got_token' => true];
    do {
        $begin = hrtime(true);
        try {
            wx_get_token($file);
        } catch (WxToken\Exception) {
            $report['got_token'] = false;
        }
        $report['slowest_ms'] = max($report['slowest_ms'], (hrtime(true) - $begin) / 1e6);
        if ($seconds > 0) {
            usleep(10_000);
        }
    } while (microtime(true) < $moment + $seconds);
    echo json_encode($report), "\n";
}
