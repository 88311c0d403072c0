<?php
// What a hot call and a refresh cost: calls.php TOKEN_FILE CALLS REFRESHES

[, $file, $calls, $refreshes] = $argv;

function cpu_ns(): float
{
    $usage = getrusage();
    $of = fn(string $kind) => $usage["ru_$kind.tv_sec"] * 1e9 + $usage["ru_$kind.tv_usec"] * 1e3;
    return $of('utime') + $of('stime');
}

// The file is remembered once it was met twice, a tick of its clock apart.
wx_get_token($file);
usleep(60_000);
wx_get_token($file);
$before = cpu_ns();
for ($i = 0; $i < $calls; $i++) {
    wx_get_token($file);
}
$hot = (cpu_ns() - $before) / $calls;

$took = [];
for ($i = 0; $i < $refreshes; $i++) {
    file_put_contents($file, '{"access_token":"an-old-token","expire":1}');
    $before = hrtime(true);
    wx_get_token($file);
    $took[] = hrtime(true) - $before;
}
sort($took);
echo json_encode(['hot_ns' => $hot, 'refresh_ns' => $took[intdiv($refreshes, 2)]]);
