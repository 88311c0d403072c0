--TEST--
$file follows PHP's weak mode
--EXTENSIONS--
wx_token
--INI--
error_reporting=E_ALL
--FILE--
<?php
class Path {
    function __construct(private string $path) {}
    function __toString(): string { return $this->path; }
}
class Thrower {
    function __toString(): string { throw new LogicException('from __toString'); }
}
$file = __DIR__ . '/003-path-weak.json';
file_put_contents($file, json_encode(['access_token' => 'abc', 'expire' => time() + 600]));

function attempt(callable $call): void {
    try {
        var_dump($call());
    } catch (Throwable $e) {
        echo $e::class, ': ', str_replace(__DIR__, '…', $e->getMessage()), "\n";
    }
}
attempt(fn() => wx_get_token(new Path($file)));
attempt(fn() => wx_get_token(file: $file));
$reference = &$file;
attempt(fn() => wx_get_token($reference));
chdir(__DIR__);
attempt(fn() => wx_get_token(123));
attempt(fn() => wx_get_token(1.5));
attempt(fn() => wx_get_token(null));
attempt(fn() => wx_get_token([]));
attempt(fn() => wx_get_token(new stdClass));
attempt(fn() => wx_get_token(STDIN));
attempt(fn() => wx_get_token(new Thrower));
attempt(fn() => wx_get_token());
attempt(fn() => wx_get_token($file, null, 3));
attempt(fn() => wx_token_status([]));
?>
--CLEAN--
<?php unlink(__DIR__ . '/003-path-weak.json'); ?>
--EXPECTF--
string(3) "abc"
string(3) "abc"
string(3) "abc"
WxToken\ConfigException: no WeChat account is configured. %s
WxToken\ConfigException: no WeChat account is configured. %s

Deprecated: wx_get_token(): Passing null to parameter #1 ($file) of type string is deprecated in %s on line %d
ValueError: wx_get_token(): Argument #1 ($file) must not be empty
TypeError: wx_get_token(): Argument #1 ($file) must be of type string, array given
TypeError: wx_get_token(): Argument #1 ($file) must be of type string, stdClass given
TypeError: wx_get_token(): Argument #1 ($file) must be of type string, resource given
LogicException: from __toString
ArgumentCountError: wx_get_token() expects at least 1 argument, 0 given
ArgumentCountError: wx_get_token() expects at most 2 arguments, 3 given
TypeError: wx_token_status(): Argument #1 ($file) must be of type string, array given
