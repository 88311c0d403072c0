<?php
// A long-running worker: prints what came of each call on $argv[1], until it is told to stop. A reload
// makes a call from within its handler. With `forks`, each call is followed by a child's.
$file = $argv[1];
$forks = ($argv[2] ?? '') === 'forks';
$running = true;
$call = function () use ($file) {
    $start = hrtime(true);
    try {
        $answer = ['token' => wx_get_token($file)];
    } catch (Throwable $e) {
        $answer = ['class' => $e::class, 'message' => $e->getMessage()];
    }
    echo json_encode($answer + ['ms' => (hrtime(true) - $start) / 1e6, 'at' => microtime(true)]), "\n";
};
pcntl_async_signals(true);
pcntl_signal(SIGTERM, function () use (&$running) { $running = false; });
pcntl_signal(SIGHUP, $call);
echo "ready\n";
fgets(STDIN);
while ($running) {
    $call();
    if ($forks && !($pid = pcntl_fork())) {
        $call();
        exit(0);
    }
    usleep(20_000);
    while ($forks && pcntl_waitpid($pid, $status) === -1 && pcntl_get_last_error() === PCNTL_EINTR);
}
