--TEST--
The destructor of what a loader returns or throws ends as it likes: no lock stays, and the token is stored
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
putenv('USE_ZEND_ALLOC=1');

$prologue = <<<'PHP'
    $file = $argv[1];
    register_shutdown_function(function () use ($file) {
        $free = flock(fopen($file, 'r+'), LOCK_EX | LOCK_NB);
        echo "\nshutdown function: the lock is ", $free ? 'free' : 'held', ', leftovers: ', count(glob(dirname($file) . '/.' . basename($file) . '*')),
            ', token: ', json_decode(file_get_contents($file))->access_token;
    });
    class Ends extends Exception { function __destruct() { END } }
    PHP;
$ends = [
    'returns' => 'echo "destructor\n";',
    'throws' => 'throw new LogicException("on purpose");',
    'exits' => 'exit(3);',
    'fatal error' => 'trigger_error("on purpose", E_USER_ERROR);',
    'time limit' => 'for (;;) hash("sha256", "busy");',
];
$loaders = [
    'in its answer' => 'return ["access_token" => "new", "expires_in" => 7200, "object" => new Ends];',
    'thrown' => 'throw new Ends("thrown");',
    'in an answer of no use' => 'return ["nothing", new Ends];',
];
$calls = [
    'expired' => [-1, 'wx_get_token($file, $loader)'],
    'due' => [100, 'wx_get_token($file, $loader)'],
    'in wx_with_lock()' => [-1, 'wx_with_lock($file, fn() => wx_get_token($file, $loader))'],
];
$running = [];
foreach ($calls as $state => [$expires_in, $call]) {
    foreach ($loaders as $where => $loader) {
        foreach ($ends as $how => $end) {
            // An expired token's caller gets what was thrown, to destroy it where it likes.
            if (($where === 'thrown' && $state !== 'due') || ($how === 'time limit' && $where !== 'in its answer')) {
                continue;
            }
            $file = __DIR__ . '/014-destructor-' . count($running) . '.json';
            write_token($file, 'old', $expires_in);
            $code = str_replace('END', $end, $prologue) . " \$loader = function () { $loader };
                try { echo 'returned ', $call; } catch (Exception \$e) { echo get_class(\$e), ': ', \$e->getMessage(); }";
            $running["$state, $where, $how"] = [$file, start_php($code, [$file], $how === 'time limit' ? ['max_execution_time' => 1] : [])];
        }
    }
}
foreach ($running as $name => [$file, $finish]) {
    echo "-- $name\n", str_replace(__DIR__ . '/', '', preg_replace('/ in Command line code.*\d$/m', '', $finish()));
    if (!others_can_lock($file)) {
        echo "WRONG: locked\n";
    }
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/{,.}014-destructor-*.json*', GLOB_BRACE)); ?>
--EXPECT--
-- expired, in its answer, returns
returned destructor
new
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- expired, in its answer, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- expired, in its answer, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: new
exit status 3
-- expired, in its answer, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- expired, in its answer, time limit
returned 
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- expired, in an answer of no use, returns
returned destructor
WxToken\NetworkException: cannot refresh 014-destructor-5.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- expired, in an answer of no use, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- expired, in an answer of no use, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: old
exit status 3
-- expired, in an answer of no use, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: old
exit status 255
-- due, in its answer, returns
returned destructor
new
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- due, in its answer, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- due, in its answer, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: new
exit status 3
-- due, in its answer, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- due, in its answer, time limit
returned 
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- due, thrown, returns
returned destructor
old
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- due, thrown, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- due, thrown, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: old
exit status 3
-- due, thrown, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: old
exit status 255
-- due, in an answer of no use, returns
returned destructor
old
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- due, in an answer of no use, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- due, in an answer of no use, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: old
exit status 3
-- due, in an answer of no use, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: old
exit status 255
-- in wx_with_lock(), in its answer, returns
returned destructor
new
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- in wx_with_lock(), in its answer, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: new
exit status 0
-- in wx_with_lock(), in its answer, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: new
exit status 3
-- in wx_with_lock(), in its answer, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- in wx_with_lock(), in its answer, time limit
returned 
Fatal error: Maximum execution time of 1 second exceeded

shutdown function: the lock is free, leftovers: 0, token: new
exit status 255
-- in wx_with_lock(), in an answer of no use, returns
returned destructor
WxToken\NetworkException: cannot refresh 014-destructor-27.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- in wx_with_lock(), in an answer of no use, throws
returned LogicException: on purpose
shutdown function: the lock is free, leftovers: 0, token: old
exit status 0
-- in wx_with_lock(), in an answer of no use, exits
returned 
shutdown function: the lock is free, leftovers: 0, token: old
exit status 3
-- in wx_with_lock(), in an answer of no use, fatal error
returned 
Fatal error: on purpose

shutdown function: the lock is free, leftovers: 0, token: old
exit status 255
