--TEST--
Beside a suspended loader, other calls get the valid token, or are told at once why there is none
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/001-suspended-loader.json';
$new = fn() => ['access_token' => 'of-another-fiber', 'expires_in' => 7200];
$suspends = function (string $token) {
    Fiber::suspend('in the loader');
    return ['access_token' => $token, 'expires_in' => 7200];
};
$account = ['appid' => 'wx1', 'secret' => 's', 'lock_timeout' => 3600];

foreach (['expired' => -1, 'due' => 100] as $state => $expires_in) {
    echo "-- $state\n";
    write_token($file, 'old', $expires_in);
    $fiber = new Fiber(fn() => wx_get_token($file, fn() => $suspends("new-$state")));
    echo $fiber->start(), "\n";
    foreach ([
        fn() => wx_get_token($file, $account),
        fn() => wx_get_token($file, $new),
        fn() => wx_refresh_token($file, 'old', $new),
        fn() => wx_with_lock($file, fn() => 'inside'),
        fn() => (new Fiber(fn() => print json_encode(wx_get_token($file, $new))))->start(),
        fn() => (new Fiber(fn() => wx_with_lock($file, fn() => print 'inside')))->start(),
    ] as $call) {
        $e = attempt($call);
        if ($e !== null && $e->holderPid !== getmypid()) {
            echo "WRONG: $e->holderPid\n";
        }
    }
    var_dump(others_can_lock($file));
    $fiber->resume();
    echo $fiber->getReturn(), ' ', json_encode(others_can_lock($file)), "\n";
}

echo "-- a loader under a lock that another Fiber holds around it\n";
write_token($file, 'old', -1);
wx_with_lock($file, function () use ($file, $new, $suspends) {
    $fiber = new Fiber(fn() => wx_get_token($file, fn() => $suspends('from-within')));
    echo $fiber->start(), "\n";
    attempt(fn() => wx_get_token($file, $new));
    $fiber->resume();
    echo $fiber->getReturn(), "\n";
    attempt(fn() => wx_get_token($file, $new));
});
var_dump(others_can_lock($file));

echo "-- it is no other Fiber that calls back\n";
write_token($file, 'old', -1);
attempt(fn() => wx_get_token($file, fn() => (new Fiber(fn() => wx_get_token($file, $new)))->start()));
?>
--CLEAN--
<?php unlink(__DIR__ . '/001-suspended-loader.json'); ?>
--EXPECT--
-- expired
in the loader
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
bool(false)
new-expired true
-- due
in the loader
"old"
"old"
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
"old"null
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
bool(false)
new-due true
-- a loader under a lock that another Fiber holds around it
in the loader
WxToken\LockException: cannot lock 001-suspended-loader.json: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
from-within
"from-within"
bool(true)
-- it is no other Fiber that calls back
WxToken\LockException: cannot lock 001-suspended-loader.json: a loader for this file is running and called wx_token on the same file. Remove that call from the loader
