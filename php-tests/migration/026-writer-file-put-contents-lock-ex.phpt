--TEST--
Old habit: a writer with file_put_contents(LOCK_EX)
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('026-writer-file-put-contents-lock-ex');
function writer(string $file, string $content): Generator {
    yield;
    file_put_contents($file, $content, LOCK_EX);
}

expired($file);
finish(begin('writer', $file, token('L', 5)));
show('written', $file);

// It opens the file, and then waits for the lock: during a fetch of the extension, for all of it.
echo "it waits for the lock while the extension fetches:\n";
expired($file);
$waiting = fork(function (Peer $parent) use ($file) {
    $parent->hear();
    finish(begin('writer', $file, token('L', 5)));
    $parent->say('written');
});
extension_writes($file, token('E', 39), function () use ($waiting) {
    $waiting->say('write');
    var_dump($waiting->waits_in_flock());
});
$waiting->hear();
$waiting->end();
show('afterwards', $file);

$seen = hammer($file, ['without a lock' => 'read_without_lock', 'with LOCK_SH' => 'read_with_lock_sh'], 'writer');
echo "readers with LOCK_SH: ";
never($seen['with LOCK_SH'], 'empty', 'torn', 'mixed');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('026-writer-file-put-contents-lock-ex'));
?>
--EXPECT--
-- replace
written: the legacy program's token; wx_get_token(): the legacy program's token
it waits for the lock while the extension fetches:
bool(true)
afterwards: the extension's token; wx_get_token(): the extension's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
readers with LOCK_SH: never empty, torn, mixed: true
-- in_place
written: the legacy program's token; wx_get_token(): the legacy program's token
it waits for the lock while the extension fetches:
bool(true)
afterwards: the legacy program's token; wx_get_token(): the legacy program's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
readers with LOCK_SH: never empty, torn, mixed: true
