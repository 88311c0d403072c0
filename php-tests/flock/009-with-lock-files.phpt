--TEST--
wx_with_lock() makes a missing file, and never touches the content of any
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/009-with-lock-files.txt';

echo "-- a missing file is made, empty, whatever the umask\n";
foreach ([0077, 0000, 0777] as $umask) {
    @unlink($file);
    $before = umask($umask);
    wx_with_lock($file, function () use ($file) {
        clearstatcache();
        printf("%s, %d bytes, %04o, others can lock: %s\n", filetype($file), filesize($file), fileperms($file) & 07777,
            json_encode(others_can_lock($file)));
    });
    umask($before);
}
var_dump(file_exists($file));

echo "-- content, mode and inode stay\n";
chmod($file, 0644);
foreach (["a text that is no token file\n", '', "\0\0\0", '{"torn', '[1,2]', str_repeat('x', 100_000), '{"access_token":"a","expire":1}'] as $content) {
    file_put_contents($file, $content);
    touch($file, 1_600_000_000);
    clearstatcache();
    $before = stat($file);
    wx_with_lock($file, fn() => null);
    clearstatcache();
    $after = stat($file);
    var_dump(file_get_contents($file) === $content && array_diff_key(array_diff_assoc($after, $before), ['atime' => 0, 8 => 0]) === []);
}

echo "-- what the callable writes, stays\n";
wx_with_lock($file, fn() => file_put_contents($file, 'written inside'));
echo file_get_contents($file), "\n";

echo "-- a file that is removed or replaced inside\n";
wx_with_lock($file, fn() => unlink($file));
var_dump(file_exists($file));
wx_with_lock($file, function () use ($file) {
    file_put_contents("$file.new", 'another file');
    rename("$file.new", $file);
});
attempt(fn() => wx_with_lock($file, fn() => file_get_contents($file)));
var_dump(others_can_lock($file));

echo "-- what is no regular file\n";
$called = fn() => print("called\n");
attempt(fn() => wx_with_lock(__DIR__, $called));
attempt(fn() => wx_with_lock('/dev/null', $called));
attempt(fn() => wx_with_lock("$file/below", $called));
attempt(fn() => wx_with_lock('/nowhere/at/all', $called));
symlink('009-nowhere/file', "$file.link");
attempt(fn() => wx_with_lock("$file.link", $called));
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/009-with-lock-files.txt');
@unlink(__DIR__ . '/009-with-lock-files.txt.new');
@unlink(__DIR__ . '/009-with-lock-files.txt.link');
?>
--EXPECTF--
-- a missing file is made, empty, whatever the umask
file, 0 bytes, 0600, others can lock: false
file, 0 bytes, 0600, others can lock: false
file, 0 bytes, 0600, others can lock: false
bool(true)
-- content, mode and inode stay
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
-- what the callable writes, stays
written inside
-- a file that is removed or replaced inside
bool(false)
"another file"
bool(true)
-- what is no regular file
WxToken\FileException: cannot %sdirectory%s
WxToken\FileException: cannot use /dev/null: it is a %s. Pass the path of a regular file
WxToken\FileException: cannot %s
WxToken\FileException: cannot %s: the directory /nowhere/at does not exist. Create it, or pass another path
WxToken\FileException: cannot %s
