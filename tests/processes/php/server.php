<?php
// An event loop in small: many connections, one thread, timers.
$file = $argv[1];
$server = stream_socket_server('tcp://127.0.0.1:0');
echo stream_socket_get_name($server, false), "\n";
$connections = [];
$timers = []; // What to do, by the moment at which it is due (nanoseconds).

$serve_token = function ($connection) use ($file, &$serve_token, &$timers) {
    $token = wx_try_token($file);
    if ($token === null) {
        $timers[hrtime(true) + 20_000_000] = fn() => $serve_token($connection);
    } else {
        fwrite($connection, "$token\n");
    }
};

for (;;) {
    $read = [$server, ...$connections];
    $write = $except = null;
    $wait = $timers === [] ? 1_000_000 : max(0, intdiv(min(array_keys($timers)) - hrtime(true), 1000));
    stream_select($read, $write, $except, 0, $wait);
    foreach ($read as $ready) {
        if ($ready === $server) {
            $connections[] = stream_socket_accept($server);
            continue;
        }
        match (trim((string) fgets($ready))) {
            'ping' => fwrite($ready, "pong\n"),
            'token' => $serve_token($ready),
            default => fclose($ready),
        };
        unset($connections[array_search($ready, $connections, true)]);
    }
    foreach (array_filter($timers, fn($due) => $due <= hrtime(true), ARRAY_FILTER_USE_KEY) as $due => $work) {
        unset($timers[$due]);
        $work();
    }
}
