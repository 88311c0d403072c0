--TEST--
However a suspended call ends, nothing of it is left
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/003-ends.json';
$new = fn() => ['access_token' => 'new', 'expires_in' => 7200];
$calls = [
    'a loader' => fn() => wx_get_token($file, fn() => Fiber::suspend('suspended') ?? $new()),
    'wx_with_lock()' => fn() => wx_with_lock($file, fn() => Fiber::suspend('suspended')),
    'a loader in wx_with_lock()' =>
        fn() => wx_with_lock($file, fn() => wx_get_token($file, fn() => Fiber::suspend('suspended') ?? $new())),
];
$ends = [
    'destroyed' => function (Fiber &$fiber) { $fiber = null; },
    'thrown into' => function (Fiber &$fiber) { $fiber->throw(new LogicException('on purpose')); },
    'resumed' => function (Fiber &$fiber) { $fiber->resume(); },
];
foreach ($calls as $what => $call) {
    foreach ($ends as $how => $end) {
        echo "-- $what, $how\n";
        write_token($file, 'old', -1);
        $fiber = new Fiber($call);
        echo $fiber->start(), ', others can lock: ', json_encode(others_can_lock($file)), "\n";
        attempt(function () use ($end, &$fiber) { $end($fiber); });
        echo 'others can lock: ', json_encode(others_can_lock($file)), ', leftovers: ',
            count(glob(__DIR__ . '/.003-ends*')), "\n";
        attempt(fn() => wx_get_token($file, $new));
    }
}

// A fatal error: the engine frees the suspended Fiber without unwinding it, at the end of the request. Until
// then its lock is not anybody else's.
echo "-- a fatal error elsewhere\n";
write_token($file, 'old', -1);
$finish = start_php(<<<'PHP'
    $file = $argv[1];
    register_shutdown_function(function () use ($file) {
        try {
            wx_get_token($file, fn() => ['access_token' => 'new', 'expires_in' => 7200]);
        } catch (WxToken\LockException $e) {
            echo "\n", str_replace($file, 'FILE', $e->getMessage());
        }
    });
    $fiber = new Fiber(fn() => wx_with_lock($file, fn() => Fiber::suspend()));
    $fiber->start();
    $other = new Fiber(fn() => wx_get_token("$file.other", fn() => Fiber::suspend()));
    $other->start();
    trigger_error('on purpose', E_USER_ERROR);
    PHP, [$file]);
echo preg_replace('/ in Command line code.*\d$/m', '', $finish());
var_dump(others_can_lock($file), others_can_lock("$file.other"));
attempt(fn() => wx_get_token("$file.other", $new));
print_r(glob(__DIR__ . '/.003-ends*'));
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/{,.}003-ends.json*', GLOB_BRACE)); ?>
--EXPECT--
-- a loader, destroyed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- a loader, thrown into
suspended, others can lock: false
LogicException: on purpose
others can lock: true, leftovers: 0
WxToken\NetworkException: cannot refresh 003-ends.json: the loader threw LogicException in another call. See the error log of that process; next attempt in 1 s
-- a loader, resumed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- wx_with_lock(), destroyed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- wx_with_lock(), thrown into
suspended, others can lock: false
LogicException: on purpose
others can lock: true, leftovers: 0
"new"
-- wx_with_lock(), resumed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- a loader in wx_with_lock(), destroyed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- a loader in wx_with_lock(), thrown into
suspended, others can lock: false
LogicException: on purpose
others can lock: true, leftovers: 0
WxToken\NetworkException: cannot refresh 003-ends.json: the loader threw LogicException in another call. See the error log of that process; next attempt in 1 s
-- a loader in wx_with_lock(), resumed
suspended, others can lock: false
null
others can lock: true, leftovers: 0
"new"
-- a fatal error elsewhere
Fatal error: on purpose

cannot lock FILE: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
exit status 255
bool(true)
bool(true)
"new"
Array
(
)
