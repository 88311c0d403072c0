--TEST--
The arguments of wx_with_lock()
--EXTENSIONS--
wx_token
pcntl
--INI--
error_reporting=E_ALL
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/010-with-lock-arguments.txt';
$called = function () { return 'called'; };
$section = new class {
    private function hidden() {}
};

attempt(fn() => wx_with_lock());
attempt(fn() => wx_with_lock($file));
attempt(fn() => wx_with_lock($file, $called, 1, 2));
attempt(fn() => wx_with_lock('', $called));
attempt(fn() => wx_with_lock("a\0b", $called));
attempt(fn() => wx_with_lock('file:///tmp/a', $called));
attempt(fn() => wx_with_lock([], $called));
foreach (['no_such_function', [], ['a', 'b'], 5, null, new stdClass, [$section, 'hidden'], [$section, 'missing']] as $critical) {
    attempt(fn() => wx_with_lock($file, $critical));
}
foreach ([-1, -0.001, NAN, INF, -INF, 86401, 'abc', '', '1s', [], new stdClass] as $timeout) {
    attempt(fn() => wx_with_lock($file, $called, $timeout));
}
echo 'the file was made: ', json_encode(file_exists($file)), "\n";
foreach ([null, 0, 0.0, -0.0, 5, 0.25, '1.5', ' 2', true, 86400] as $timeout) {
    attempt(fn() => wx_with_lock($file, $called, $timeout));
}
attempt(fn() => wx_with_lock(timeout: 1, critical: $called, file: $file));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/010-with-lock-arguments.txt'); ?>
--EXPECT--
ArgumentCountError: wx_with_lock() expects at least 2 arguments, 0 given
ArgumentCountError: wx_with_lock() expects at least 2 arguments, 1 given
ArgumentCountError: wx_with_lock() expects at most 3 arguments, 4 given
ValueError: wx_with_lock(): Argument #1 ($file) must not be empty
ValueError: wx_with_lock(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_with_lock(): Argument #1 ($file) must be a local path, not a URL
TypeError: wx_with_lock(): Argument #1 ($file) must be of type string, array given
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, function "no_such_function" not found or invalid function name
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, array callback must have exactly two members
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, class "a" not found
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, cannot access private method class@anonymous::hidden()
TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, class class@anonymous does not have a method "missing"
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, string given
TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, string given
TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, string given
TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, array given
TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, stdClass given
the file was made: false
"called"
"called"
"called"
"called"
"called"
"called"
"called"
"called"
"called"
"called"
"called"
