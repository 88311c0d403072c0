--TEST--
Old habit: a reader without a lock
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('021-reader-without-lock');
$seen = hammer($file, ['reader' => 'read_without_lock']);
// In place, one read may fall into the middle of the one write: what it gets is as long as a whole file.
getenv('WX_HABITS_MODE') === 'replace' ? never($seen['reader'], 'empty', 'torn', 'mixed') : never($seen['reader'], 'empty');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('021-reader-without-lock'));
?>
--EXPECT--
-- replace
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty, torn, mixed: true
-- in_place
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
never empty: true
