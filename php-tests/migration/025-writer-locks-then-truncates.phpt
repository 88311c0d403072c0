--TEST--
Old habit: a writer with fopen('c+'), flock(LOCK_EX), a second look, ftruncate() and fwrite()
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('025-writer-locks-then-truncates');
function writer(string $file, string $content): Generator {
    $handle = fopen($file, 'c+');
    yield;
    flock($handle, LOCK_EX);
    ftruncate($handle, 0);
    rewind($handle);
    fwrite($handle, $content);
    fflush($handle);
    flock($handle, LOCK_UN);
    fclose($handle);
}

/** The better one: it looks again under the lock. */
function careful_writer(string $file, string $content, ?string $path = null): Generator {
    $handle = fopen($file, 'c+');
    yield;
    flock($handle, LOCK_EX);
    $data = json_decode($path === null ? stream_get_contents($handle) : file_get_contents($path), true);
    echo ($data['expire'] ?? 0) > time() ? "it finds a valid token, and leaves it\n" : "it finds none, and fetches\n";
    if (($data['expire'] ?? 0) <= time()) {
        ftruncate($handle, 0);
        rewind($handle);
        fwrite($handle, $content);
        fflush($handle);
    }
    flock($handle, LOCK_UN);
    fclose($handle);
}

$by_path = fn(string $file, string $content) => careful_writer($file, $content, $file);
foreach ([
    'without a second look' => 'writer',
    'with one, at the handle' => 'careful_writer',
    'with one, at the path' => $by_path,
] as $which => $writer) {
    echo "the extension writes between fopen() and flock(), $which:\n";
    expired($file);
    $legacy = begin($writer, $file, token('L', 5));
    extension_writes($file, token('E', 39));
    finish($legacy);
    show('and fwrite()', $file);
}

$seen = hammer($file, ['without a lock' => 'read_without_lock', 'with LOCK_SH' => 'read_with_lock_sh'], 'writer');
echo "readers with LOCK_SH: ";
never($seen['with LOCK_SH'], 'empty', 'torn', 'mixed');
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('025-writer-locks-then-truncates'));
?>
--EXPECT--
-- replace
the extension writes between fopen() and flock(), without a second look:
and fwrite(): the extension's token; wx_get_token(): the extension's token
the extension writes between fopen() and flock(), with one, at the handle:
it finds none, and fetches
and fwrite(): the extension's token; wx_get_token(): the extension's token
the extension writes between fopen() and flock(), with one, at the path:
it finds a valid token, and leaves it
and fwrite(): the extension's token; wx_get_token(): the extension's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
readers with LOCK_SH: never empty, torn, mixed: true
-- in_place
the extension writes between fopen() and flock(), without a second look:
and fwrite(): the legacy program's token; wx_get_token(): the legacy program's token
the extension writes between fopen() and flock(), with one, at the handle:
it finds a valid token, and leaves it
and fwrite(): the extension's token; wx_get_token(): the extension's token
the extension writes between fopen() and flock(), with one, at the path:
it finds a valid token, and leaves it
and fwrite(): the extension's token; wx_get_token(): the extension's token
hammered: the extension was given 0 broken and 0 expired tokens, and threw 0 times
afterwards the file is whole: true
readers with LOCK_SH: never empty, torn, mixed: true
