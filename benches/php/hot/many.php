<?php
// One function on one file in many processes at once: many.php SUBJECT TOKEN_FILE SECONDS PROCESSES
// Prints the calls of each process and their CPU time as JSON. The processes are forked, so that they share one APCu.

require __DIR__ . '/cpu.php';

[, $subject, $file, $seconds, $processes] = $argv;
apcu_store($file, file_get_contents($file));
$subjects = [
    'wx_get_token' => wx_get_token(...),
    'bare stat' => wx_baseline_stat(...),
    'apcu_fetch' => apcu_fetch(...),
    "filemtime, PHP's stat cache" => filemtime(...),
    'clearstatcache and filemtime' => function ($file) {
        clearstatcache();
        return filemtime($file);
    },
];
$call = $subjects[$subject];

function work(callable $call, string $file, float $start, float $seconds): array
{
    // A file is remembered once it was met twice, a tick of its clock apart.
    $call($file);
    time_sleep_until($start);
    $call($file);
    $calls = 0;
    $before = cpu_ns();
    do {
        for ($i = 0; $i < 1000; $i++) {
            $call($file);
        }
        $calls += 1000;
    } while (microtime(true) < $start + $seconds);
    return ['calls' => $calls, 'cpu_ns' => cpu_ns() - $before];
}

$start = microtime(true) + 0.2;
$reports = [];
for ($i = 0; $i < $processes; $i++) {
    [$own, $reports[]] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (pcntl_fork() === 0) {
        fwrite($own, json_encode(work($call, $file, $start, (float) $seconds)));
        exit;
    }
    fclose($own);
}
echo json_encode(array_map(fn ($report) => json_decode(stream_get_contents($report)), $reports));
