--TEST--
Old habit: a writer with a temp file and rename()
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('027-writer-temp-file-and-rename');
function writer(string $file, string $content): Generator {
    $temp = "$file." . getmypid();
    file_put_contents($temp, $content);
    yield;
    rename($temp, $file);
}

echo "the extension writes between temp file and rename():\n";
expired($file);
$legacy = begin('writer', $file, token('L', 5));
extension_writes($file, token('E', 39));
show('before', $file);
finish($legacy);
show('after', $file);

echo "during a fetch of the extension:\n";
expired($file);
$got = extension_writes($file, token('E', 39), fn() => finish(begin('writer', $file, token('L', 5))));
echo 'its caller has ', $got[0] === 'L' ? "the legacy program's token" : "the extension's token", "\n";
show('afterwards', $file);

$seen = hammer($file, ['reader' => 'read_without_lock'], 'writer');
getenv('WX_HABITS_MODE') === 'replace' ? never($seen['reader'], 'empty', 'torn', 'mixed') : never($seen['reader'], 'empty');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('027-writer-temp-file-and-rename'));
?>
--EXPECT--
-- replace
the extension writes between temp file and rename():
before: the extension's token; wx_get_token(): the extension's token
after: the legacy program's token; wx_get_token(): the legacy program's token
during a fetch of the extension:
its caller has the legacy program's token
afterwards: the legacy program's token; wx_get_token(): the legacy program's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty, torn, mixed: true
-- in_place
the extension writes between temp file and rename():
before: the extension's token; wx_get_token(): the extension's token
after: the legacy program's token; wx_get_token(): the legacy program's token
during a fetch of the extension:
its caller has the legacy program's token
afterwards: the legacy program's token; wx_get_token(): the legacy program's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty: true
