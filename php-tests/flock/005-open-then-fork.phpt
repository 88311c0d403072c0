--TEST--
A handle that is opened before fork() shares its lock with the child; the lock of wx_with_lock() stays the parent's
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/005-open-then-fork.txt';
touch($file);

echo "-- flock()\n";
$handle = fopen($file, 'r+');
flock($handle, LOCK_EX);
$child = fork(function (Peer $parent) use ($handle) {
    $parent->say(flock($handle, LOCK_EX | LOCK_NB));
    $parent->hear();
    $parent->say(flock($handle, LOCK_UN));
    $parent->hear();
});
echo 'the child has the lock, too: ', json_encode($child->hear()), "\n";
echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";
$child->say('unlock');
echo 'the child unlocks: ', json_encode($child->hear()), "\n";
echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";
$child->say('end');
$child->end();
fclose($handle);

echo "-- a copy in a child that lives on\n";
$handle = fopen($file, 'r+');
flock($handle, LOCK_EX);
$child = fork(fn(Peer $parent) => $parent->hear());
fclose($handle);
echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";
$child->say('end');
$child->end();
echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";

echo "-- wx_with_lock()\n";
$survivor = wx_with_lock($file, function () use ($file) {
    $child = fork(function (Peer $parent) use ($file) {
        try {
            wx_with_lock($file, fn() => $parent->say('the child is inside'), 0.2);
        } catch (WxToken\LockException $e) {
            $parent->say($e->holderPid);
        }
    });
    echo 'the child is told who holds it: ', json_encode($child->hear() === getmypid()), "\n";
    $child->end();
    echo 'others can lock after its exit(): ', json_encode(others_can_lock($file)), "\n";
    return fork(fn(Peer $parent) => $parent->hear());
});
echo 'a child lives on: ', json_encode($survivor->is_alive()), "\n";
echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";
$survivor->say('end');
$survivor->end();

echo "-- wx_with_lock(), left by both\n";
foreach (['return', 'throw'] as $how) {
    [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    try {
        $child = wx_with_lock($file, function () use ($file, $how, $here, $there) {
            $child = pcntl_fork();
            if ($child === 0) {
                if ($how === 'throw') {
                    throw new Exception;
                }
                return 0;
            }
            (new Peer($here, $child))->hear();
            echo "others can lock after the child's $how: ", json_encode(others_can_lock($file)), "\n";
            fwrite($here, "end\n");
            pcntl_waitpid($child, $status);
            return $child;
        });
    } catch (Exception $e) {
        $child = 0;
    }
    if ($child === 0) {
        (new Peer($there, 0))->say('left');
        fgets($there);
        exit;
    }
    echo 'others can lock: ', json_encode(others_can_lock($file)), "\n";
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/005-open-then-fork.txt'); ?>
--EXPECT--
-- flock()
the child has the lock, too: true
others can lock: false
the child unlocks: true
others can lock: true
-- a copy in a child that lives on
others can lock: false
others can lock: true
-- wx_with_lock()
the child is told who holds it: true
others can lock after its exit(): false
a child lives on: true
others can lock: true
-- wx_with_lock(), left by both
others can lock after the child's return: false
others can lock: true
others can lock after the child's throw: false
others can lock: true
