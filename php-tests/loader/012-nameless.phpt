--TEST--
An exception of a class without a name is recorded without the path of its code and without NUL bytes
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/012-nameless.json';
$exception = new class('as it is') extends RuntimeException {};
write_token($file, 'old', -1);
try {
    wx_get_token($file, function () use ($exception) { throw $exception; });
} catch (RuntimeException $e) {
    var_dump($e === $exception);
}
// PHP 7 names no parent.
echo str_replace('threw class@', 'threw RuntimeException@', wx_token_status($file)['failure']['message']), "\n";
?>
--CLEAN--
<?php @unlink(__DIR__ . '/012-nameless.json'); ?>
--EXPECT--
bool(true)
the loader threw RuntimeException@anonymous in another call. See the error log of that process
