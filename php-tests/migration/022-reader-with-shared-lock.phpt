--TEST--
Old habit: a reader with flock(LOCK_SH) around fread()
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('022-reader-with-shared-lock');
expired($file);
$handle = fopen($file, 'r');
extension_writes($file, token('E', 1));
flock($handle, LOCK_SH);
// A reader that opened the file before it was replaced reads the old one: whole, and by its expiry no good.
$found = json_decode(fread($handle, 8192), true);
flock($handle, LOCK_UN);
fclose($handle);
echo 'opened before a rewrite: ', is_whole($found['access_token']) ? 'whole, ' : 'broken, ',
    $found['expire'] > time() ? 'the new token' : 'the old token', "\n";

$seen = hammer($file, ['reader' => 'read_with_lock_sh']);
never($seen['reader'], 'empty', 'torn', 'mixed');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('022-reader-with-shared-lock'));
?>
--EXPECT--
-- replace
opened before a rewrite: whole, the old token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty, torn, mixed: true
-- in_place
opened before a rewrite: whole, the new token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty, torn, mixed: true
