<?php
// Handles every signal that can be handled, makes one call on $argv[1], and prints what came of it and
// which signals were handled. $argv[2] tells whether system calls go on after a handler.
[, $file, $restart] = $argv;
$handled = [];
pcntl_async_signals(true);
foreach (array_diff(range(1, 64), [SIGKILL, SIGSTOP, 32, 33]) as $signal) {
    pcntl_signal($signal, function (int $signal) use (&$handled) { $handled[$signal] = true; }, $restart === 'restart');
}
echo "ready\n";
fgets(STDIN);
$start = hrtime(true);
try {
    $answer = ['token' => wx_get_token($file)];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage()];
}
$answer['ms'] = (hrtime(true) - $start) / 1e6;
ksort($handled);
echo json_encode($answer + ['handled' => array_keys($handled)]);
