--TEST--
What a loader throws reaches the caller as it is; others learn that it threw, not what it said
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/004-throws.json';

// After six failures in a row the next one is not retried for a minute.
$failed_before = ['wx_token' => ['network' => 'before', 'failed_at_ms' => 1, 'retry_at_ms' => 2, 'failures' => 6]];
$calls = 0;

echo "-- an exception that was made before\n";
write_token($file, 'old', -1, $failed_before);
$previous = new LogicException('previous');
$exception = new RuntimeException('it holds a fake-secret', 7, $previous);
$line = __LINE__ - 1;
try {
    wx_get_token($file, function () use ($exception, &$calls) {
        $calls++;
        throw $exception;
    });
} catch (Throwable $caught) {
    var_dump($caught === $exception, $caught->getLine() === $line, $caught->getFile() === __FILE__, $caught->getPrevious() === $previous);
}
var_dump(others_can_lock($file), json_decode(file_get_contents($file))->access_token);

echo "-- the next call\n";
$e = attempt(fn() => wx_get_token($file, function () use (&$calls) { $calls++; }));
$status = wx_token_status($file);
echo $status['state'], ' ', $status['failure']['message'], ' ', $status['failure']['failures'], "\n";
var_dump($calls, $e->retryAt === $status['failure']['retry_at'], $e->retryAt > time() + 20, $e->getPrevious());
var_dump(strpos(file_get_contents($file) . print_r($e, true) . json_encode($status), 'fake-secret') !== false);
// Once the pause is over, the loader is called again, and its token clears the record.
write_token($file, 'old', -1, $failed_before);
attempt(fn() => wx_get_token($file, fn() => ['access_token' => 'new', 'expires_in' => 7200]));
var_dump(wx_token_status($file)['failure'], array_keys(json_decode(file_get_contents($file), true)));

echo "-- an exception that is made inside\n";
class Mine extends DomainException {}
function load() {
    throw new Mine('made inside');
}
$line = __LINE__ - 2;
write_token($file, 'old', -1, $failed_before);
try {
    wx_get_token($file, 'load');
} catch (Mine $e) {
    var_dump($e->getLine() === $line);
    // Before PHP 8.2, the argument is left out.
    $trace = str_replace([__DIR__ . '/', ', Object(SensitiveParameterValue)'], '', $e->getTraceAsString());
    echo preg_replace('/\(\d+\)/', '(line)', $trace), "\n";
}
attempt(fn() => wx_get_token($file, 'load'));

echo "-- errors, exceptions of the extension, and what is thrown on the way\n";
foreach ([
    fn() => no_such_function(),
    function () { throw new WxToken\ApiException('of another account', 40125); },
    function () { try { load(); } finally { throw new Error('on the way'); } },
    new class { function __invoke(): int { return 'not an int'; } },
    fn() => intdiv(1, 0),
] as $loader) {
    write_token($file, 'old', -1, $failed_before);
    $e = attempt(fn() => wx_get_token($file, $loader));
    $recorded = wx_token_status($file)['failure']['message'];
    $previous = $e->getPrevious();
    var_dump($recorded === 'the loader threw ' . get_class($e) . ' in another call. See the error log of that process', $previous === null ? null : $previous->getMessage(), others_can_lock($file));
}

echo "-- many exceptions leave nothing behind\n";
$round = function () use ($file, $exception, $failed_before) {
    write_token($file, 'old', -1, $failed_before);
    try {
        wx_get_token($file, function () use ($exception) { throw $exception; });
    } catch (RuntimeException $e) {
    }
};
$round();
[$memory, $handles] = [memory_get_usage(), count(scandir('/proc/self/fd'))];
for ($i = 0; $i < 50; $i++) {
    $round();
}
var_dump(memory_get_usage() - $memory, count(scandir('/proc/self/fd')) - $handles);
print_r(glob(__DIR__ . '/.004-throws*'));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/004-throws.json'); ?>
--EXPECTF--
-- an exception that was made before
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
string(3) "old"
-- the next call
WxToken\NetworkException: cannot refresh 004-throws.json: the loader threw RuntimeException in another call. See the error log of that process; next attempt in %d s
expired the loader threw RuntimeException in another call. See the error log of that process 7
int(1)
bool(true)
bool(true)
NULL
bool(false)
"new"
NULL
array(2) {
  [0]=>
  string(12) "access_token"
  [1]=>
  string(6) "expire"
}
-- an exception that is made inside
bool(true)
#0 [internal function]: load()
#1 004-throws.php(line): wx_get_token('%s...')
#2 {main}
WxToken\NetworkException: cannot refresh 004-throws.json: the loader threw Mine in another call. See the error log of that process; next attempt in %d s
-- errors, exceptions of the extension, and what is thrown on the way
Error: Call to undefined function no_such_function()
bool(true)
NULL
bool(true)
WxToken\ApiException: of another account
bool(true)
NULL
bool(true)
Error: on the way
bool(true)
string(11) "made inside"
bool(true)
TypeError: %sint, string returned
bool(true)
NULL
bool(true)
DivisionByZeroError: Division by zero
bool(true)
NULL
bool(true)
-- many exceptions leave nothing behind
int(0)
int(0)
Array
(
)
