--TEST--
The lock is advisory: whoever does not ask for it is not held back
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/002-advisory.txt';
file_put_contents($file, "first\n");

echo "-- flock()\n";
$holder = holder($file);
file_put_contents($file, "written without asking\n", FILE_APPEND);
var_dump(others_can_lock($file));
echo file_get_contents($file);
$holder->say('release');
$holder->say('end');
$holder->end();

echo "-- wx_with_lock()\n";
$holder = fork(function (Peer $parent) use ($file) {
    wx_with_lock($file, function () use ($parent) {
        $parent->say('inside');
        $parent->hear();
    });
    $parent->say('outside');
});
echo $holder->hear(), "\n";
file_put_contents($file, "written into wx_with_lock()\n", FILE_APPEND);
echo file_get_contents($file);
echo "those who ask are held back:\n";
var_dump(others_can_lock($file), others_can_lock($file, LOCK_SH));
$e = attempt(fn() => wx_with_lock($file, fn() => 'inside, too', 0.1));
var_dump($e->holderPid === $holder->pid);
$holder->say('leave');
echo $holder->hear(), "\n";
$holder->end();
attempt(fn() => wx_with_lock($file, fn() => file_get_contents($file)));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/002-advisory.txt'); ?>
--EXPECTF--
-- flock()
bool(false)
first
written without asking
-- wx_with_lock()
inside
first
written without asking
written into wx_with_lock()
those who ask are held back:
bool(false)
bool(false)
WxToken\LockException: cannot lock 002-advisory.txt: the lock was not acquired within 0.1 s; process %d (%s) holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)
bool(true)
outside
"first\nwritten without asking\nwritten into wx_with_lock()\n"
