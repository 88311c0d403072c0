--TEST--
A loader that exits or dies leaves no lock, no torn file and no leftover, and the next call succeeds
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
// Without PHP's own allocator, which valgrind's runs do without, there is no memory limit.
putenv('USE_ZEND_ALLOC=1');

$prologue = <<<'PHP'
    $file = $argv[1];
    register_shutdown_function(function () use ($file) {
        $free = flock(fopen($file, 'r+'), LOCK_EX | LOCK_NB);
        $left = count(glob(dirname($file) . '/.' . basename($file) . '*'));
        echo "\nshutdown function: the lock is ", $free ? 'free' : 'held', ", leftovers: $left\n";
    });
    class Witness {
        function __destruct() { echo "destructor\n"; }
    }
    $witness = new Witness;
    PHP;
$ways = [
    'exit' => 'exit(3);',
    'exit past finally' => 'try { exit(3); } catch (Throwable) { echo "caught\n"; } finally { echo "finally\n"; }',
    'exit in a critical section' => 'wx_with_lock("$file.other", function () { exit(3); });',
    'exit in the loader of another file' => 'wx_get_token("$file.other", function () { exit(3); });',
    'fatal error' => 'trigger_error("on purpose", E_USER_ERROR);',
    'fatal error in the loader of another file' => 'wx_get_token("$file.other", function () { trigger_error("on purpose", E_USER_ERROR); });',
    'memory limit' => 'ini_set("memory_limit", "8M"); str_repeat("x", 64 << 20);',
    'time limit' => 'for (;;) hash("sha256", "busy");',
];
$calls = [
    'expired' => [-1, 'wx_get_token($file, $loader);'],
    'due' => [100, 'wx_get_token($file, $loader);'],
    'rejected' => [7200, 'wx_refresh_token($file, "old", $loader);'],
    'within wx_with_lock()' => [-1, 'wx_with_lock($file, fn() => wx_get_token($file, $loader));'],
];
$running = [];
foreach ($calls as $state => [$expires_in, $call]) {
    foreach ($ways as $name => $way) {
        if ($name === 'time limit' && $state !== 'expired' && $state !== 'due') {
            continue; // Each of them takes a second of the processor's.
        }
        $file = __DIR__ . '/005-end-' . count($running) . '.json';
        write_token($file, 'old', $expires_in, ['note' => 'kept']);
        $code = "$prologue \$loader = function () use (\$file) { $way }; $call echo 'never reached';";
        $running["$state, $name"] = [$file, file_get_contents($file),
            start_php($code, [$file], $name === 'time limit' ? ['max_execution_time' => 1] : [])];
    }
}
foreach ($running as $name => [$file, $content, $finish]) {
    echo "-- $name\n", preg_replace('/ in Command line code.*\d$/m', '', $finish());
    clearstatcache();
    if (file_get_contents($file) !== $content || !others_can_lock($file)) {
        echo 'WRONG: ', file_get_contents($file), "\n";
    }
    attempt(fn() => wx_refresh_token($file, 'old', fn() => ['access_token' => 'new', 'expires_in' => 7200]));
    unlink($file);
    @unlink("$file.other");
}
print_r(glob(__DIR__ . '/{,.}005-end-*', GLOB_BRACE));
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/{,.}005-end-*.json*', GLOB_BRACE)); ?>
--EXPECTF--
-- expired, exit
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- expired, exit past finally
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- expired, exit in a critical section
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- expired, exit in the loader of another file
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- expired, fatal error
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- expired, fatal error in the loader of another file
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- expired, memory limit
Fatal error: Allowed memory size of 8388608 bytes exhausted%S (tried to allocate %d bytes)

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- expired, time limit
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- due, exit
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- due, exit past finally
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- due, exit in a critical section
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- due, exit in the loader of another file
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- due, fatal error
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- due, fatal error in the loader of another file
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- due, memory limit
Fatal error: Allowed memory size of 8388608 bytes exhausted%S (tried to allocate %d bytes)

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- due, time limit
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- rejected, exit
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- rejected, exit past finally
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- rejected, exit in a critical section
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- rejected, exit in the loader of another file
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- rejected, fatal error
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- rejected, fatal error in the loader of another file
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- rejected, memory limit
Fatal error: Allowed memory size of 8388608 bytes exhausted%S (tried to allocate %d bytes)

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- within wx_with_lock(), exit
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- within wx_with_lock(), exit past finally
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- within wx_with_lock(), exit in a critical section
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- within wx_with_lock(), exit in the loader of another file
shutdown function: the lock is free, leftovers: 0
destructor
exit status 3
"new"
-- within wx_with_lock(), fatal error
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- within wx_with_lock(), fatal error in the loader of another file
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
-- within wx_with_lock(), memory limit
Fatal error: Allowed memory size of 8388608 bytes exhausted%S (tried to allocate %d bytes)

shutdown function: the lock is free, leftovers: 0
exit status 255
"new"
Array
(
)
