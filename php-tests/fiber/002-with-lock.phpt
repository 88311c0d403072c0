--TEST--
wx_with_lock() keeps other Fibers out, lets those in that come from within, and goes with the last of them
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/002-with-lock.lock';
$inside = fn(string $who) => wx_with_lock($file, function () use ($who) {
    echo "$who is inside\n";
    Fiber::suspend();
    echo "$who leaves\n";
    return $who;
});
$enters = fn(string $who) => wx_with_lock($file, fn() => "$who is inside", 3600);

echo "-- a sibling\n";
$a = new Fiber($inside);
$a->start('A');
attempt(fn() => $enters('the main program'));
$b = new Fiber($enters);
attempt(fn() => $b->start('B'));
var_dump(others_can_lock($file));
$a->resume();
var_dump(others_can_lock($file));
attempt(fn() => $enters('the main program'));

echo "-- started within, and resumed elsewhere\n";
$b = new Fiber($inside);
wx_with_lock($file, function () use ($b, $enters) {
    $b->start('B');
    attempt(fn() => $enters('A, once more'));
});
echo "A has left\n";
var_dump(others_can_lock($file));
attempt(fn() => $enters('the main program'));
// Another call, whose frame is where that of A was.
wx_with_lock(__DIR__ . '/002-with-lock.other', fn() => attempt(fn() => $enters('a new call')));
$b->resume();
var_dump(others_can_lock($file));
attempt(fn() => $enters('the main program'));

echo "-- three deep, and left in another order\n";
$c = new Fiber($inside);
$b = new Fiber(fn() => wx_with_lock($file, function () use ($c) {
    $c->start('C');
    Fiber::suspend();
}));
wx_with_lock($file, fn() => $b->start());
$b->resume();
var_dump(others_can_lock($file));
$c->resume();
var_dump(others_can_lock($file));

echo "-- started outside, resumed within\n";
$b = new Fiber(function () use ($enters) {
    Fiber::suspend();
    echo $enters('B'), "\n";
});
$b->start();
wx_with_lock($file, fn() => $b->resume());
var_dump(others_can_lock($file));

echo "-- started within, resumed when all have left\n";
$b = new Fiber(function () use ($enters) {
    Fiber::suspend();
    echo $enters('B'), "\n";
});
wx_with_lock($file, fn() => $b->start());
$a = new Fiber($inside);
$a->start('A');
attempt(fn() => $b->resume());
$a->resume();

echo "-- a generator within\n";
$generator = (function () use ($enters) { yield $enters('a generator'); })();
echo wx_with_lock($file, fn() => $generator->current()), "\n";
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/002-with-lock.{lock,other}', GLOB_BRACE)); ?>
--EXPECT--
-- a sibling
A is inside
WxToken\LockException: cannot lock 002-with-lock.lock: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 002-with-lock.lock: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
bool(false)
A leaves
bool(true)
"the main program is inside"
-- started within, and resumed elsewhere
B is inside
"A, once more is inside"
A has left
bool(false)
WxToken\LockException: cannot lock 002-with-lock.lock: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
WxToken\LockException: cannot lock 002-with-lock.lock: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
B leaves
bool(true)
"the main program is inside"
-- three deep, and left in another order
C is inside
bool(false)
C leaves
bool(true)
-- started outside, resumed within
B is inside
bool(true)
-- started within, resumed when all have left
A is inside
WxToken\LockException: cannot lock 002-with-lock.lock: another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()
A leaves
-- a generator within
a generator is inside
