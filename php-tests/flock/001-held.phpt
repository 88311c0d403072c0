--TEST--
Whoever asks for a lock that another process holds waits until it is given back
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/001-held.json';

echo "-- flock()\n";
write_token($file, 'old', -1);
$holder = holder($file);
$asker = fork(function (Peer $parent) use ($file) {
    $handle = fopen($file, 'r+');
    $parent->say('asks');
    flock($handle, LOCK_EX);
    $parent->say('has the lock');
});
echo $asker->hear(), "\n";
var_dump($asker->waits_in_flock());
$holder->say('release');
echo $holder->hear(), "\n", $asker->hear(), "\n";
$holder->say('end');
$holder->end();
$asker->end();

echo "-- wx_get_token(), no valid token\n";
$holder = holder($file);
$asker = fork(function (Peer $parent) use ($file) {
    $parent->say('asks');
    $token = wx_get_token($file, function () use ($parent) {
        $parent->say('loads');
        return ['access_token' => 'new', 'expires_in' => 7200];
    });
    $parent->say("has the $token token");
});
echo $asker->hear(), "\n";
var_dump($asker->waits_in_pauses());
$holder->say('release');
echo $holder->hear(), "\n", $asker->hear(), "\n", $asker->hear(), "\n";
$holder->say('end');
$holder->end();
$asker->end();

echo "-- wx_get_token(), a valid token\n";
$loader = fn() => print("the loader is called\n");
$holder = holder($file);
var_dump(others_can_lock($file));
attempt(fn() => wx_get_token($file, $loader));
$holder->say('release');
$holder->say('end');
$holder->end();

echo "-- wx_token.lock_timeout\n";
write_token($file, 'old', -1);
$holder = holder($file);
ini_set('wx_token.lock_timeout', '0.2');
$begun = hrtime(true);
$e = attempt(fn() => wx_get_token($file, $loader));
var_dump(hrtime(true) - $begun >= 0.2e9, $e->holderPid === $holder->pid, $e->tokenFile === $file);
$e = attempt(fn() => wx_refresh_token($file, 'old', $loader));
var_dump($e->holderPid === $holder->pid);
$e = attempt(fn() => wx_with_lock($file, $loader));
var_dump($e->holderPid === $holder->pid);
$holder->say('release');
$holder->say('end');
$holder->end();
?>
--CLEAN--
<?php @unlink(__DIR__ . '/001-held.json'); ?>
--EXPECTF--
-- flock()
asks
bool(true)
released
has the lock
-- wx_get_token(), no valid token
asks
bool(true)
released
loads
has the new token
-- wx_get_token(), a valid token
bool(false)
"new"
-- wx_token.lock_timeout
WxToken\LockException: cannot lock 001-held.json: the lock was not acquired within 0.2 s; process %d (%s) holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)
bool(true)
bool(true)
bool(true)
WxToken\LockException: cannot lock 001-held.json: the lock was not acquired within 0.2 s; process %d (%s) holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)
bool(true)
WxToken\LockException: cannot lock 001-held.json: the lock was not acquired within 0.2 s; process %d (%s) holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)
bool(true)
