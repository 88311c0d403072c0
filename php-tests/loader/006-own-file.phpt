--TEST--
A loader that calls back on its own file is told so and does not hang; on another file it may call
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/006-own-file.json';
$link = __DIR__ . '/006-own-file.link';
$other = __DIR__ . '/006-own-file-other.json';
symlink($file, $link);

$new = fn() => ['access_token' => 'new', 'expires_in' => 7200];
$calls_back = function () use ($file, $link, $new) {
    foreach ([
        fn() => wx_get_token($file, $new),
        fn() => wx_get_token($link, $new),
        fn() => wx_refresh_token($file, 'old', $new),
        fn() => wx_with_lock($file, fn() => 'inside'),
        fn() => wx_with_lock($link, fn() => 'inside'),
    ] as $call) {
        $e = attempt($call);
        if ($e !== null && $e->holderPid !== getmypid()) {
            echo "WRONG: $e->holderPid\n";
        }
    }
    $status = wx_token_status($file);
    echo json_encode([$status['locked'], $status['holder_pid'] === getmypid(), others_can_lock($file)]), "\n";
    return ['expires_in' => 7200];
};
$calls_back = fn(string $name) => fn() => ['access_token' => "of-the-outer-$name"] + $calls_back();

foreach ([
    'expired' => [-1, fn($loader) => wx_get_token($file, $loader)],
    // As far as the file tells, its token is valid.
    'rejected' => [7200, fn($loader) => wx_refresh_token($file, 'old', $loader)],
    'critical' => [-1, fn($loader) => wx_with_lock($file, fn() => wx_get_token($file, $loader))],
] as $name => [$expires_in, $call]) {
    echo "-- $name\n";
    write_token($file, 'old', $expires_in);
    attempt(fn() => $call($calls_back($name)));
    echo json_decode(file_get_contents($file))->access_token, ' ', json_encode(others_can_lock($file)), "\n";
}

echo "-- due: the callers within get the current token\n";
write_token($file, 'old', 100);
attempt(fn() => wx_get_token($file, function () use ($file, $new) {
    attempt(fn() => wx_get_token($file, $new));
    attempt(fn() => wx_refresh_token($file, 'another', $new));
    attempt(fn() => wx_refresh_token($file, 'old', $new));
    return $new();
}));

echo "-- what is thrown within may be let through\n";
write_token($file, 'old', -1);
attempt(fn() => wx_get_token($file, fn() => ['access_token' => wx_get_token($file, $new), 'expires_in' => 7200]));
var_dump(others_can_lock($file));

echo "-- another file\n";
write_token($file, 'old', -1);
write_token($other, 'old', -1);
attempt(fn() => wx_get_token($file, function () use ($file, $other) {
    $inner = wx_get_token($other, function () use ($file, $other) {
        echo json_encode([others_can_lock($file), others_can_lock($other)]), "\n";
        return ['access_token' => 'inner', 'expires_in' => 7200];
    });
    echo json_encode([others_can_lock($file), others_can_lock($other)]), "\n";
    return ['access_token' => "outer-of-$inner", 'expires_in' => 7200];
}));
echo json_decode(file_get_contents($other))->access_token, ' ',
    json_encode([others_can_lock($file), others_can_lock($other)]), "\n";
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/006-own-file.link');
@unlink(__DIR__ . '/006-own-file.json');
@unlink(__DIR__ . '/006-own-file-other.json');
?>
--EXPECT--
-- expired
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.link: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.link: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
[true,true,false]
"of-the-outer-expired"
of-the-outer-expired true
-- rejected
"old"
"old"
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.link: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
[true,true,false]
"of-the-outer-rejected"
of-the-outer-rejected true
-- critical
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.link: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
WxToken\LockException: cannot lock 006-own-file.link: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
[true,true,false]
"of-the-outer-critical"
of-the-outer-critical true
-- due: the callers within get the current token
"old"
"old"
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
"new"
-- what is thrown within may be let through
WxToken\LockException: cannot lock 006-own-file.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
bool(true)
-- another file
[false,false]
[false,true]
"outer-of-inner"
inner [true,true]
