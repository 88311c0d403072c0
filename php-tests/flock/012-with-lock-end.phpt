--TEST--
The lock of wx_with_lock() is gone when the script exits or dies inside it, before shutdown functions run
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
// Without PHP's own allocator, which valgrind's runs do without, there is no memory limit.
putenv('USE_ZEND_ALLOC=1');

$prologue = <<<'PHP'
    $file = $argv[1];
    register_shutdown_function(function () use ($file) {
        $free = flock(fopen($file, 'r+'), LOCK_EX | LOCK_NB);
        echo "\nshutdown function: the lock is ", $free ? 'free' : 'held', "\n";
    });
    class Witness {
        function __destruct() { echo "destructor\n"; }
    }
    $witness = new Witness;
    PHP;
$ways = [
    'exit' => 'exit(3);',
    'exit with a message' => 'exit("bye\n");',
    'exit past finally' => 'try { exit(3); } catch (Throwable) { echo "caught\n"; } finally { echo "finally\n"; }',
    'exit in a nested call' => 'wx_with_lock($file, function () { exit(3); });',
    'exit in a nested call on another file' => 'wx_with_lock("$file.other", function () { exit(3); });',
    'uncaught exception' => 'throw new Exception("nobody catches it");',
    'fatal error' => 'trigger_error("on purpose", E_USER_ERROR);',
    'fatal error in a nested call' => 'wx_with_lock($file, function () { trigger_error("on purpose", E_USER_ERROR); });',
    'compile error' => 'eval("function strlen() {} class A extends A {}");',
    'memory limit' => 'ini_set("memory_limit", "8M"); str_repeat("x", 64 << 20);',
    'time limit' => 'for (;;) hash("sha256", "busy");',
];
$running = [];
foreach ($ways as $name => $way) {
    $file = __DIR__ . '/012-with-lock-end-' . count($running) . '.txt';
    file_put_contents($file, 'content');
    $code = "$prologue wx_with_lock(\$file, function () use (\$file) { $way }); echo 'never reached';";
    $running[$name] = [$file, start_php($code, [$file], $name === 'time limit' ? ['max_execution_time' => 1] : [])];
}
foreach ($running as $name => [$file, $finish]) {
    echo "-- $name\n", preg_replace('/ in Command line code.*\d$/m', '', $finish());
    // Nobody holds the lock, and nothing is left of it.
    var_dump(wx_with_lock($file, fn() => file_get_contents($file), 0));
    unlink($file);
    @unlink("$file.other");
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/012-with-lock-end-*.txt*')); ?>
--EXPECTF--
-- exit
shutdown function: the lock is free
destructor
exit status 3
string(7) "content"
-- exit with a message
bye

shutdown function: the lock is free
destructor
exit status 0
string(7) "content"
-- exit past finally
shutdown function: the lock is free
destructor
exit status 3
string(7) "content"
-- exit in a nested call
shutdown function: the lock is free
destructor
exit status 3
string(7) "content"
-- exit in a nested call on another file
shutdown function: the lock is free
destructor
exit status 3
string(7) "content"
-- uncaught exception
Fatal error: Uncaught Exception: nobody catches it
Stack trace:
#0 [internal function]: {closure%S}()
#1 Command line code(%d): wx_with_lock(%s)
#2 {main}
  thrown

shutdown function: the lock is free
destructor
exit status 255
string(7) "content"
-- fatal error
Fatal error: on purpose

shutdown function: the lock is free
exit status 255
string(7) "content"
-- fatal error in a nested call
Fatal error: on purpose

shutdown function: the lock is free
exit status 255
string(7) "content"
-- compile error
Fatal error: Cannot redeclare %Sstrlen()

shutdown function: the lock is free
exit status 255
string(7) "content"
-- memory limit
Fatal error: Allowed memory size of 8388608 bytes exhausted%S (tried to allocate %d bytes)

shutdown function: the lock is free
exit status 255
string(7) "content"
-- time limit
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free
exit status 255
string(7) "content"
