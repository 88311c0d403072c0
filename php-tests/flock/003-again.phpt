--TEST--
Locking again on the same handle converts the lock; wx_with_lock() within itself keeps it
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/003-again.txt';
$link = __DIR__ . '/003-again.link';
touch($file);
symlink($file, $link);

echo "-- flock()\n";
function show_others(string $when): void {
    global $file;
    echo "$when: others can share ", json_encode(others_can_lock($file, LOCK_SH)),
        ', have it alone ', json_encode(others_can_lock($file)), "\n";
}
$handle = fopen($file, 'r+');
foreach (['shared' => LOCK_SH, 'exclusive' => LOCK_EX, 'shared again' => LOCK_SH, 'unlocked' => LOCK_UN] as $name => $operation) {
    var_dump(flock($handle, $operation));
    show_others($name);
}
fclose($handle);

echo "-- wx_with_lock()\n";
chdir(__DIR__);
attempt(fn() => wx_with_lock($file, function () use ($file, $link) {
    foreach ([$file, '003-again.txt', __DIR__ . '/../flock/003-again.txt', $link] as $spelling) {
        attempt(fn() => wx_with_lock($spelling, function () {
            show_others('inner');
            return 'inner result';
        }));
        show_others('after the inner');
    }
    attempt(fn() => wx_with_lock($file, function () { throw new Exception('from the inner'); }));
    show_others('after the inner threw');
    return 'outer result';
}));
show_others('after the outer');
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/003-again.link');
@unlink(__DIR__ . '/003-again.txt');
?>
--EXPECT--
-- flock()
bool(true)
shared: others can share true, have it alone false
bool(true)
exclusive: others can share false, have it alone false
bool(true)
shared again: others can share true, have it alone false
bool(true)
unlocked: others can share true, have it alone true
-- wx_with_lock()
inner: others can share false, have it alone false
"inner result"
after the inner: others can share false, have it alone false
inner: others can share false, have it alone false
"inner result"
after the inner: others can share false, have it alone false
inner: others can share false, have it alone false
"inner result"
after the inner: others can share false, have it alone false
inner: others can share false, have it alone false
"inner result"
after the inner: others can share false, have it alone false
Exception: from the inner
after the inner threw: others can share false, have it alone false
"outer result"
after the outer: others can share true, have it alone true
