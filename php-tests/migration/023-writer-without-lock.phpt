--TEST--
Old habit: a writer with fopen('w') and fwrite(), without a lock
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('023-writer-without-lock');
function writer(string $file, string $content): Generator {
    $handle = fopen($file, 'w');
    yield;
    fwrite($handle, $content);
    fclose($handle);
}

expired($file);
$legacy = begin('writer', $file, token('L', 5));
echo 'truncated: ', read_without_lock($file), "\n";
finish($legacy);
show('written', $file);

echo "the extension writes between fopen() and fwrite():\n";
foreach (['a shorter' => 1, 'a longer' => 39] as $which => $length) {
    expired($file);
    $legacy = begin('writer', $file, token('L', 5));
    extension_writes($file, token('E', $length));
    show("$which token", $file);
    finish($legacy);
    show('and fwrite()', $file);
}

echo "during a fetch of the extension:\n";
expired($file);
$got = extension_writes($file, token('E', 1), fn() => finish(begin('writer', $file, token('L', 5))));
show('all of it', $file);
expired($file);
extension_writes($file, token('E', 1), function () use ($file, &$legacy) {
    $legacy = begin('writer', $file, token('L', 5));
});
show('fopen()', $file);
finish($legacy);
show('and fwrite() after it', $file);

hammer($file, ['reader' => 'read_without_lock'], 'writer');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('023-writer-without-lock'));
?>
--EXPECT--
-- replace
truncated: empty
written: the legacy program's token; wx_get_token(): the legacy program's token
the extension writes between fopen() and fwrite():
a shorter token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the extension's token; wx_get_token(): the extension's token
a longer token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the extension's token; wx_get_token(): the extension's token
during a fetch of the extension:
all of it: the legacy program's token; wx_get_token(): the legacy program's token
fopen(): the extension's token; wx_get_token(): the extension's token
and fwrite() after it: the extension's token; wx_get_token(): the extension's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
-- in_place
truncated: empty
written: the legacy program's token; wx_get_token(): the legacy program's token
the extension writes between fopen() and fwrite():
a shorter token: the extension's token; wx_get_token(): the extension's token
and fwrite(): the legacy program's token; wx_get_token(): the legacy program's token
a longer token: the extension's token; wx_get_token(): the extension's token
and fwrite(): torn; wx_get_token(): the extension's token
during a fetch of the extension:
all of it: the legacy program's token; wx_get_token(): the legacy program's token
fopen(): the extension's token; wx_get_token(): the extension's token
and fwrite() after it: the legacy program's token; wx_get_token(): the legacy program's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
