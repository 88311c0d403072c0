--TEST--
Old habit: a writer with fopen('w'), flock(LOCK_EX) and fwrite()
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('024-writer-truncates-then-locks');
function writer(string $file, string $content): Generator {
    $handle = fopen($file, 'w');
    yield;
    flock($handle, LOCK_EX);
    fwrite($handle, $content);
    flock($handle, LOCK_UN);
    fclose($handle);
}

expired($file);
$legacy = begin('writer', $file, token('L', 5));
echo 'truncated, before any lock: ', read_without_lock($file), "\n";
finish($legacy);
show('written', $file);

echo "the extension writes between fopen() and flock():\n";
foreach (['a shorter' => 1, 'a longer' => 39] as $which => $length) {
    expired($file);
    $legacy = begin('writer', $file, token('L', 5));
    extension_writes($file, token('E', $length));
    show("$which token", $file);
    finish($legacy);
    show('and fwrite()', $file);
}

echo "fopen() during a fetch of the extension, flock() after it:\n";
expired($file);
extension_writes($file, token('E', 1), function () use ($file, &$legacy) {
    $legacy = begin('writer', $file, token('L', 5));
    echo 'in the meantime: ', read_without_lock($file), "\n";
});
show('fopen()', $file);
finish($legacy);
show('and fwrite()', $file);

hammer($file, ['reader' => 'read_without_lock'], 'writer');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('024-writer-truncates-then-locks'));
?>
--EXPECT--
-- replace
truncated, before any lock: empty
written: the legacy program's token; wx_get_token(): the legacy program's token
the extension writes between fopen() and flock():
a shorter token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the extension's token; wx_get_token(): the extension's token
a longer token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the extension's token; wx_get_token(): the extension's token
fopen() during a fetch of the extension, flock() after it:
in the meantime: empty
fopen(): the extension's token; wx_get_token(): the extension's token
and fwrite(): the extension's token; wx_get_token(): the extension's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
-- in_place
truncated, before any lock: empty
written: the legacy program's token; wx_get_token(): the legacy program's token
the extension writes between fopen() and flock():
a shorter token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the legacy program's token; wx_get_token(): the legacy program's token
a longer token: the extension's token; wx_get_token(): the extension's token
and fwrite(): torn; wx_get_token(): the extension's token
fopen() during a fetch of the extension, flock() after it:
in the meantime: empty
fopen(): the extension's token; wx_get_token(): the extension's token
and fwrite(): the legacy program's token; wx_get_token(): the legacy program's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
