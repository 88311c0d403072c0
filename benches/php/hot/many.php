<?php
// One of many processes that call wx_get_token() at once: many.php TOKEN_FILE SECONDS
// Says "ready", waits for a line with the moment to start, and prints its calls and their CPU time as JSON.

require __DIR__ . '/cpu.php';

[, $file, $seconds] = $argv;
wx_get_token($file);
echo "ready\n";
$start = (float) fgets(STDIN);
time_sleep_until($start);
// It was met a while ago, and is remembered from here on.
wx_get_token($file);

$calls = 0;
$before = cpu_ns();
do {
    for ($i = 0; $i < 1000; $i++) {
        wx_get_token($file);
    }
    $calls += 1000;
} while (microtime(true) < $start + $seconds);
echo json_encode(['calls' => $calls, 'cpu_ns' => cpu_ns() - $before]), "\n";
