--TEST--
A loader is any callable; a keyed array never is one
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/001-callables.json';

function load() {
    return answer(__FUNCTION__, func_get_args());
}
function answer(string $name, array $arguments): array {
    return ['access_token' => strtr($name, ['{' => '', '}' => '', '\\' => '.']) . '/' . count($arguments), 'expires_in' => 7200];
}
class Provider {
    static function shared() { return answer(__METHOD__, func_get_args()); }
    function own() { return answer(__METHOD__, func_get_args()); }
    function __invoke() { return answer(__METHOD__, func_get_args()); }
    private function hidden() { return answer(__METHOD__, func_get_args()); }
    function __call($name, $arguments) { return answer("__call:$name", $arguments); }
    static function __callStatic($name, $arguments) { return answer("__callStatic:$name", $arguments); }
    function inner() { return Closure::fromCallable([$this, 'hidden']); }
}
$name = 'load';
foreach ([
    'closure' => function () { return answer('closure', func_get_args()); },
    'arrow function' => fn() => answer('arrow', func_get_args()),
    'static closure' => static fn(...$all) => answer('static', $all),
    'optional parameters' => fn($a = 1, $b = 2) => answer('optional', func_get_args()),
    'function name' => 'load',
    'by reference' => &$name,
    'static method, one string' => 'Provider::shared',
    'static method, two strings' => ['Provider', 'shared'],
    'method' => [new Provider, 'own'],
    'invokable object' => new Provider,
    'closure of a function' => Closure::fromCallable('load'),
    'closure of a static method' => Closure::fromCallable('Provider::shared'),
    'closure of a method' => Closure::fromCallable([new Provider, 'own']),
    'private method from inside' => (new Provider)->inner(),
    '__call' => [new Provider, 'anything'],
    '__callStatic' => ['Provider', 'anything'],
] as $kind => $loader) {
    write_token($file, 'old', -1);
    echo "$kind: ";
    attempt(fn() => wx_get_token($file, $loader));
    write_token($file, 'old', 7200);
    attempt(fn() => wx_refresh_token($file, 'old', $loader) === wx_get_token($file));
}

echo "-- no loaders\n";
class Plain {}
foreach (['no_such_function', ['Plain', 'method'], [new Plain, 'method'], new Plain, ['appid' => 'Provider', 'shared'], 1.5, true] as $source) {
    attempt(fn() => wx_get_token($file, $source));
}
write_token($file, 'old', -1);
try {
    wx_get_token($file, fn($missing) => []);
} catch (ArgumentCountError $e) {
    echo get_class($e), "\n";
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/001-callables.json'); ?>
--EXPECT--
closure: "closure/0"
true
arrow function: "arrow/0"
true
static closure: "static/0"
true
optional parameters: "optional/0"
true
function name: "load/0"
true
by reference: "load/0"
true
static method, one string: "Provider::shared/0"
true
static method, two strings: "Provider::shared/0"
true
method: "Provider::own/0"
true
invokable object: "Provider::__invoke/0"
true
closure of a function: "load/0"
true
closure of a static method: "Provider::shared/0"
true
closure of a method: "Provider::own/0"
true
private method from inside: "Provider::hidden/0"
true
__call: "__call:anything/0"
true
__callStatic: "__callStatic:anything/0"
true
-- no loaders
TypeError: wx_get_token(): Argument #2 ($source) must be a valid callback or null, function "no_such_function" not found or invalid function name
ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, Plain given
ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, float given
TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, bool given
ArgumentCountError
