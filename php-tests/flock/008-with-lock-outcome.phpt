--TEST--
wx_with_lock() returns what its callable returns, throws what it throws, and the lock is gone
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/008-with-lock-outcome.txt';
touch($file);

echo "-- results\n";
foreach ([null, false, 0, -1.5, '', "a\0b", [], ['key' => [1]], new stdClass, fopen($file, 'r')] as $value) {
    $arguments = 'not called';
    $result = wx_with_lock($file, function () use ($value, &$arguments) {
        $arguments = func_num_args();
        return $value;
    });
    echo is_object($result) ? get_class($result) : gettype($result), ' ', json_encode($result === $value), " $arguments\n";
}
var_dump(wx_with_lock($file, function () {}));
var_dump(wx_with_lock($file, function () { yield 1; }) instanceof Generator);
$variable = 1;
$result = wx_with_lock($file, function &() use (&$variable) { return $variable; });
$variable = 2;
var_dump($result);

echo "-- callables\n";
class Critical {
    static function section() { return __METHOD__; }
    function method() { return __METHOD__; }
    function __invoke() { return __METHOD__; }
    static function __callStatic($name, $arguments) { return "$name()"; }
    function closure() { return fn() => get_class($this); }
}
foreach (['phpversion', 'Critical::section', ['Critical', 'section'], [new Critical, 'method'], new Critical,
    Closure::fromCallable('php_sapi_name'), Closure::fromCallable([new Critical, 'method']), (new Critical)->closure(), 'Critical::magic'] as $critical) {
    attempt(fn() => wx_with_lock($file, $critical) === PHP_VERSION ? 'version' : wx_with_lock($file, $critical));
}

echo "-- exceptions\n";
class Mine extends DomainException {
    public $more = 'kept';
}
function fail() {
    throw new Mine('thrown inside', 7, new LogicException('before'));
}
foreach ([
    new Mine('made outside', 7, new LogicException('before')),
    new Error('an error'),
    new WxToken\ApiException('one of the extension', 40001),
] as $exception) {
    try {
        wx_with_lock($file, function () use ($exception) { throw $exception; });
    } catch (Throwable $caught) {
        var_dump($caught === $exception, others_can_lock($file));
    }
}
try {
    wx_with_lock($file, 'fail');
} catch (Mine $e) {
    echo basename($e->getFile()), ':', $e->getLine(), ' ', $e->getMessage(), ' ', $e->getCode(), ' ', $e->more, ', ',
        $e->getPrevious()->getMessage(), "\n";
    echo str_replace(__DIR__ . '/', '', $e->getTraceAsString()), "\n";
    var_dump(others_can_lock($file));
}
try {
    wx_with_lock($file, function () {
        try {
            fail();
        } finally {
            throw new Error('thrown on the way');
        }
    });
} catch (Error $e) {
    echo $e->getMessage(), ' after ', $e->getPrevious()->getMessage(), "\n";
}
try {
    wx_with_lock($file, fn(int $missing) => 1);
} catch (ArgumentCountError $e) {
    echo get_class($e), "\n";
}
var_dump(others_can_lock($file));

echo "-- many calls leave nothing behind\n";
$throwing = function () use ($exception) { throw $exception; };
$round = function () use ($file, $throwing) {
    wx_with_lock($file, fn() => new stdClass);
    try {
        wx_with_lock($file, $throwing);
    } catch (WxToken\ApiException $e) {
    }
};
$round();
[$memory, $handles] = [memory_get_usage(), count(scandir('/proc/self/fd'))];
for ($i = 0; $i < 200; $i++) {
    $round();
}
var_dump(memory_get_usage() - $memory, count(scandir('/proc/self/fd')) - $handles);
?>
--CLEAN--
<?php @unlink(__DIR__ . '/008-with-lock-outcome.txt'); ?>
--EXPECTF--
-- results
NULL true 0
boolean true 0
integer true 0
double true 0
string true 0
string true 0
array true 0
array true 0
stdClass true 0
resource true 0
NULL
bool(true)
int(1)
-- callables
"version"
"Critical::section"
"Critical::section"
"Critical::method"
"Critical::__invoke"
"cli"
"Critical::method"
"Critical"
"magic()"
-- exceptions
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
008-with-lock-outcome.php:%d thrown inside 7 kept, before
#0 [internal function]: fail()
#1 008-with-lock-outcome.php(%d): wx_with_lock('%s)
#2 {main}
bool(true)
thrown on the way after thrown inside
ArgumentCountError
bool(true)
-- many calls leave nothing behind
int(0)
int(0)
