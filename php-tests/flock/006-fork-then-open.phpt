--TEST--
Processes that open the file after fork() have a lock each
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/006-fork-then-open.txt';
touch($file);

echo "-- flock()\n";
$child = fork(function (Peer $parent) use ($file) {
    $parent->hear();
    $handle = fopen($file, 'r+');
    $parent->say([flock($handle, LOCK_EX | LOCK_NB, $would_block), $would_block]);
    $parent->hear();
    $parent->say([flock($handle, LOCK_EX | LOCK_NB, $would_block), $would_block]);
    $parent->hear();
});
$handle = fopen($file, 'r+');
flock($handle, LOCK_EX);
$child->say('try');
echo 'the child: ', json_encode($child->hear()), "\n";
flock($handle, LOCK_UN);
$child->say('try again');
echo 'the child: ', json_encode($child->hear()), "\n";
echo 'the parent: ', json_encode([flock($handle, LOCK_EX | LOCK_NB, $would_block), $would_block]), "\n";
$child->say('end');
$child->end();
fclose($handle);

echo "-- wx_with_lock()\n";
$child = fork(function (Peer $parent) use ($file) {
    $try = function () use ($parent, $file) {
        $parent->hear();
        try {
            wx_with_lock($file, function () use ($parent) {
                $parent->say('inside');
                $parent->hear();
            }, 0);
        } catch (WxToken\LockException $e) {
            $parent->say(['holderPid' => $e->holderPid]);
        }
    };
    $try();
    $try();
});
wx_with_lock($file, function () use ($child) {
    $child->say('try');
    echo 'the child: ', json_encode($child->hear() === ['holderPid' => getmypid()]), "\n";
});
$child->say('try again');
echo 'the child: ', $child->hear(), "\n";
try {
    wx_with_lock($file, fn() => print("the parent: inside, too\n"), 0);
} catch (WxToken\LockException $e) {
    echo 'the parent: ', json_encode($e->holderPid === $child->pid), "\n";
}
$child->say('leave');
$child->end();
?>
--CLEAN--
<?php @unlink(__DIR__ . '/006-fork-then-open.txt'); ?>
--EXPECT--
-- flock()
the child: [false,1]
the child: [true,0]
the parent: [false,1]
-- wx_with_lock()
the child: true
the child: inside
the parent: true
