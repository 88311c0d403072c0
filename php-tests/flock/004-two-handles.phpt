--TEST--
A process that locks one file on two handles would wait for itself; the extension says so instead
--EXTENSIONS--
wx_token
pcntl
--INI--
wx_token.lock_timeout=10
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/004-two-handles.json';
write_token($file, 'old', -1);

echo "-- flock()\n";
$first = fopen($file, 'r+');
$second = fopen($file, 'r+');
var_dump(flock($first, LOCK_EX), flock($second, LOCK_EX | LOCK_NB, $would_block), $would_block);
fclose($second);
flock($first, LOCK_UN);

$calls = 0;
$loader = function () use (&$calls) {
    $calls++;
    return ['access_token' => "new$calls", 'expires_in' => 7200];
};
foreach (['LOCK_EX' => LOCK_EX, 'LOCK_SH' => LOCK_SH] as $name => $operation) {
    echo "-- the extension, $name\n";
    flock($first, $operation);
    $begun = hrtime(true);
    foreach ([
        fn() => wx_get_token($file, $loader),
        fn() => wx_refresh_token($file, 'old', $loader),
        fn() => wx_with_lock($file, $loader),
    ] as $call) {
        $e = attempt($call);
        var_dump($e->holderPid === getmypid(), $e->tokenFile === $file);
    }
    var_dump(hrtime(true) - $begun < 5e9, $calls);
}
echo "-- unlocked\n";
flock($first, LOCK_UN);
attempt(fn() => wx_with_lock($file, fn() => 'inside'));
attempt(fn() => wx_get_token($file, $loader));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/004-two-handles.json'); ?>
--EXPECT--
-- flock()
bool(true)
bool(false)
int(1)
-- the extension, LOCK_EX
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
bool(true)
int(0)
-- the extension, LOCK_SH
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
WxToken\LockException: cannot lock 004-two-handles.json: this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead
bool(true)
bool(true)
bool(true)
int(0)
-- unlocked
"inside"
"new1"
