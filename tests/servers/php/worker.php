<?php
// A long-running worker: prints what came of each call on $argv[1], until it is told to stop. A reload
// makes a call from within its handler. With names, each call is followed by that of a child, which looks them
// up: $argv[2] is JSON, name => address.
$file = $argv[1];
$names = json_decode($argv[2] ?? 'null', true);
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
    if ($names && !($pid = pcntl_fork())) {
        // Its first lookup, while a refresh of its parent may be at one.
        foreach ($names as $name => $address) {
            if (($found = gethostbyname($name)) !== $address) {
                echo json_encode(['class' => 'gethostbyname', 'message' => "$name: $found", 'ms' => 0, 'at' => microtime(true)]), "\n";
            }
        }
        $call();
        exit(0);
    }
    usleep(20_000);
    while ($names && pcntl_waitpid($pid, $status) === -1 && pcntl_get_last_error() === PCNTL_EINTR);
}
