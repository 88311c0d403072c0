--TEST--
A refresh within wx_with_lock() uses the lock that is held, and leaves it held on the file that it makes
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/011-with-lock-refresh.json';
$calls = 0;
$loader = function () use (&$calls) {
    $calls++;
    return ['access_token' => "new$calls", 'expires_in' => 7200];
};
function show(string $what): void {
    global $file, $inode;
    clearstatcache();
    $before = $inode;
    $inode = fileinode($file);
    $replaced = $inode !== $before;
    echo "$what; replaced: ", json_encode($replaced), ', in the file: ', json_decode(file_get_contents($file))->access_token ?? 'nothing',
        ', others can lock: ', json_encode(others_can_lock($file)), "\n";
}
function section(string $title, callable $critical): void {
    global $file, $inode;
    echo "-- $title\n";
    $inode = fileinode($file);
    wx_with_lock($file, $critical);
    show('outside');
}

write_token($file, 'old', -1);
section('expired', function () use ($file, $loader) {
    show(wx_get_token($file, $loader));
    show(wx_get_token($file, $loader));
    $status = wx_token_status($file);
    var_dump($status['locked'], $status['holder_pid'] === getmypid());
});
section('rejected', function () use ($file, $loader) {
    show(wx_refresh_token($file, 'new1', $loader));
    show(wx_refresh_token($file, 'new1', $loader));
});
section('a loader that throws', function () use ($file) {
    attempt(fn() => wx_refresh_token($file, 'new2', function () { throw new Exception('no token'); }));
    show('inside');
});
write_token($file, 'old', -1);
section('nested', fn() => wx_with_lock($file, function () use ($file, $loader) {
    show(wx_get_token($file, $loader));
}));
echo "-- a missing file\n";
unlink($file);
wx_with_lock($file, function () use ($file, $loader) {
    $GLOBALS['inode'] = fileinode($file);
    show(wx_get_token($file, $loader));
});
show('outside');

echo "-- another file\n";
$other = __DIR__ . '/011-with-lock-refresh-other.json';
write_token($other, 'old', -1);
wx_with_lock($file, function () use ($file, $other, $loader) {
    echo wx_get_token($other, $loader), ' ', json_encode([others_can_lock($file), others_can_lock($other)]), "\n";
});
print_r(array_map('basename', glob(__DIR__ . '/{,.}011-with-lock-refresh{,-other}.json*', GLOB_BRACE)));
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/011-with-lock-refresh.json');
@unlink(__DIR__ . '/011-with-lock-refresh-other.json');
?>
--EXPECT--
-- expired
new1; replaced: true, in the file: new1, others can lock: false
new1; replaced: false, in the file: new1, others can lock: false
bool(true)
bool(true)
outside; replaced: false, in the file: new1, others can lock: true
-- rejected
new2; replaced: true, in the file: new2, others can lock: false
new2; replaced: false, in the file: new2, others can lock: false
outside; replaced: false, in the file: new2, others can lock: true
-- a loader that throws
Exception: no token
inside; replaced: true, in the file: new2, others can lock: false
outside; replaced: false, in the file: new2, others can lock: true
-- nested
new3; replaced: true, in the file: new3, others can lock: false
outside; replaced: false, in the file: new3, others can lock: true
-- a missing file
new4; replaced: true, in the file: new4, others can lock: false
outside; replaced: false, in the file: new4, others can lock: true
-- another file
new5 [false,true]
Array
(
    [0] => 011-with-lock-refresh.json
    [1] => 011-with-lock-refresh-other.json
)
