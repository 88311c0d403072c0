--TEST--
Whatever value PHP code hands over, the answer is PHP's: an error that names the value, and never a panic
--EXTENSIONS--
wx_token
--INI--
error_reporting=E_ALL
--FILE--
<?php
set_error_handler(fn($level, $message) => print("warning: $message\n"));
spl_autoload_register(function ($class) {
    if ($class === 'Throwing') { throw new LogicException('from the autoloader'); }
});
$file = __DIR__ . '/021-odd-values.json';
$account = ['appid' => 'wx1', 'secret' => 's'];
$itself = [];
$itself['deep'] = &$itself;
$undefined = ['appid' => 'gone', 'x' => 1];
unset($undefined['appid']);
$number = 5;
class Odd {
    private $appid = 'wx1';
    function __get($name) { throw new LogicException('nobody reads properties'); }
    private static function hidden() {}
}
$typed = new class { public int $n = 1; };

function attempt(string $name, callable $call): void {
    try {
        $result = $call();
        echo "$name: ", is_array($result) ? $result['state'] : json_encode($result), "\n";
    } catch (Throwable $e) {
        $message = strtr($e->getMessage(), [__DIR__ . '/' => '']);
        echo "$name: ", $e::class, ': ', preg_replace('/; allowed are appid.*/', '; …', $message), "\n";
        // What is not printable would be a message that a log cannot hold.
        if (preg_match('/[^\PC]/u', $message) !== 0) { echo "  not printable\n"; }
    }
}

echo "-- options\n";
foreach ([
    'not UTF-8' => ["\xff" => 1],
    'not UTF-8 after good ones' => $account + ["secret\xff\xfe" => 1],
    'control characters' => ["a\n\0\x1b[2J" => 1],
    'bidi' => ["\u{202e}app\u{2028}id" => 1],
    'empty' => ['' => 1],
    'long' => [str_repeat('k', 5000) => 1],
    'quotes' => ['a"b\'c\\' => 1],
    'huge int' => [PHP_INT_MAX => 1],
    'negative int' => [PHP_INT_MIN => 1],
    'other case' => ['AppID' => 'wx1'],
    'the same after a NUL' => ["appid\0" => 'wx1'],
    'recursion' => $itself,
    'an unset slot' => $undefined,
    'cast object' => (array) new Odd,
    'appid not UTF-8' => ['appid' => "wx\xff"] + $account,
    'appid with NUL' => ['appid' => "wx\0"] + $account,
    'secret not UTF-8' => ['secret' => "\x80"] + $account,
    'endpoint not UTF-8' => $account + ['endpoint' => "\xff"],
    'layout not UTF-8' => $account + ['layout' => "\xff"],
    'layout object' => $account + ['layout' => new Odd],
    'appid reference' => ['appid' => &$number] + $account,
    'appid array' => ['appid' => [[]]] + $account,
    'appid resource' => ['appid' => STDIN] + $account,
    'timeout huge' => $account + ['timeout' => PHP_INT_MAX],
    'timeout negative' => $account + ['timeout' => PHP_INT_MIN],
    'timeout NAN' => $account + ['timeout' => NAN],
    'timeout nan' => $account + ['timeout' => 'nan'],
    'timeout 1e999' => $account + ['timeout' => '1e999'],
    'timeout not UTF-8' => $account + ['timeout' => "\xff"],
    'timeout typed reference' => $account + ['timeout' => &$typed->n, "\xc3" => 1],
    'timeout true' => $account + ['timeout' => true],
] as $name => $source) {
    attempt($name, fn() => wx_get_token($file, $source));
    // The other functions say the same of their own argument.
    $same = [];
    foreach ([
        fn() => wx_get_token($file, $source),
        fn() => wx_refresh_token($file, 'old', $source),
        fn() => wx_get_ticket($file, "$file.token", 'jsapi', $source),
    ] as $call) {
        try {
            $call();
        } catch (ValueError $e) {
            $same[preg_replace('/^.*?\(\$source\)/', '', $e->getMessage())] = true;
        }
    }
    if (count($same) !== 1) { var_dump($same); }
}

echo "-- callables\n";
foreach ([
    'not UTF-8' => "\xff",
    'NUL' => "a\0b",
    'method not UTF-8' => "Odd::\xff",
    'pair not UTF-8' => ["\xff", "\xfe"],
    'private' => ['Odd', 'hidden'],
    'autoloader throws' => ['Throwing', 'method'],
    'autoloader throws for a string' => 'Throwing::method',
    'object' => new Odd,
    'nameless object' => new class {},
    'recursion' => $itself,
    'resource' => STDIN,
    'float' => NAN,
] as $name => $callable) {
    attempt($name, fn() => wx_with_lock($file, $callable));
    attempt('  loader', fn() => wx_get_token("$file.none/x", $callable));
}

echo "-- strings\n";
foreach (['not UTF-8' => "\xff", 'control' => "a\n\e[2J", 'long' => str_repeat('t', 5000), 'reference' => &$number] as $name => $text) {
    attempt($name, fn() => wx_get_ticket($file, "$file.token", $text, $account));
}
attempt('rejected not UTF-8', fn() => wx_refresh_token($file, "\xff", $account));
attempt('type left out', fn() => wx_get_ticket(ticketFile: $file, tokenFile: $file, source: $account));
attempt('rejected left out', fn() => wx_refresh_token(file: $file, source: $account));
attempt('unknown name', fn() => wx_get_token($file, sources: []));

echo "-- seconds\n";
foreach ([PHP_INT_MAX, PHP_INT_MIN, 1e308, -1e308, NAN, "\xff", '1e999', ' ', new Odd, STDIN, $itself, true] as $seconds) {
    attempt(is_scalar($seconds) ? json_encode(is_float($seconds) && is_nan($seconds) ? 'NAN' : $seconds, JSON_INVALID_UTF8_SUBSTITUTE) : gettype($seconds),
        fn() => wx_with_lock("$file.lock", fn() => 'called', $seconds));
}

echo "-- settings\n";
foreach (['lock_timeout', 'background', 'refresh_ahead'] as $setting) {
    foreach (["\xff", "1\0", "1\n2", str_repeat('9', 400), '-0', 'nan'] as $value) {
        $before = ini_get("wx_token.$setting");
        if (ini_set("wx_token.$setting", $value) !== false) { echo "$setting takes ", json_encode($value), "\n"; }
        ini_set("wx_token.$setting", $before);
    }
}

echo "-- loaders\n";
$names = ["Class\xff", "Klass\u{202e}\u{2028}"];
foreach ($names as $class) {
    eval("class $class extends RuntimeException {}");
    file_put_contents($file, json_encode(['access_token' => 'old', 'expire' => 1]));
    try {
        wx_get_token($file, fn() => throw new $class('as it is'));
    } catch (RuntimeException $e) {
        var_dump($e::class === $class);
    }
    echo json_encode(wx_token_status($file)['failure']['message'], JSON_UNESCAPED_SLASHES), "\n";
}
foreach ([
    ["\xff" => 1],
    ['access_token' => "\xff", 'expires_in' => 7200],
    ['access_token' => "\u{202e}", 'expires_in' => 7200],
    ['access_token' => 'a', 'expires_in' => NAN],
    ['access_token' => 'a', 'expires_in' => PHP_INT_MAX],
    ['errcode' => PHP_INT_MIN, 'errmsg' => "\xff"],
    ['errcode' => 40013, 'errmsg' => "a\u{2028}b\u{202e}c\u{85}d"],
    ['errcode' => $itself],
    "\xff",
    str_repeat('[', 100000),
    $itself,
    STDIN,
    new Odd,
] as $answer) {
    file_put_contents($file, json_encode(['access_token' => 'old', 'expire' => 1]));
    attempt('answer', fn() => wx_get_token($file, fn() => $answer));
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/021-odd-values.json*')); ?>
--EXPECT--
-- options
not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "\xff"; …
not UTF-8 after good ones: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "secret\xff\xfe"; …
control characters: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "a\n\0\u{1b}[2J"; …
bidi: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "\u{202e}app\u{2028}id"; …
empty: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option ""; …
long: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…"; …
quotes: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "a"b'c\"; …
huge int: ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
negative int: ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
other case: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "AppID"; …
the same after a NUL: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "appid\0"; …
recursion: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "deep"; …
an unset slot: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "x"; …
cast object: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "\0Odd\0appid"; …
appid not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be valid UTF-8
appid with NUL: ValueError: wx_get_token(): Argument #2 ($source) option "appid" must not contain any null bytes
secret not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) option "secret" must be valid UTF-8
endpoint not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) option "endpoint" must be valid UTF-8
layout not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) option "layout" must be valid UTF-8
layout object: ValueError: wx_get_token(): Argument #2 ($source) option "layout" must be a non-empty string
appid reference: ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be a non-empty string
appid array: ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be a non-empty string
appid resource: ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be a non-empty string
timeout huge: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout negative: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout NAN: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout nan: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout 1e999: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout not UTF-8: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
timeout typed reference: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "\xc3"; …
timeout true: ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
-- callables
not UTF-8: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, function "\xff" not found or invalid function name
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be a valid callback or null, function "\xff" not found or invalid function name
NUL: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, function "a" not found or invalid function name
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be a valid callback or null, function "a" not found or invalid function name
method not UTF-8: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, class Odd does not have a method "\xff"
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be a valid callback or null, class Odd does not have a method "\xff"
pair not UTF-8: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, class "\xff" not found
  loader: ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
private: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, cannot access private method Odd::hidden()
  loader: ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
autoloader throws: LogicException: from the autoloader
  loader: LogicException: from the autoloader
autoloader throws for a string: LogicException: from the autoloader
  loader: LogicException: from the autoloader
object: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, Odd given
nameless object: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, class@anonymous given
recursion: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, array callback must have exactly two members
  loader: ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "deep"; …
resource: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, resource given
float: TypeError: wx_with_lock(): Argument #2 ($critical) must be a valid callback, no array or string given
  loader: TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, float given
-- strings
not UTF-8: ValueError: wx_get_ticket(): Argument #3 ($type) must be valid UTF-8
control: ValueError: wx_get_ticket(): Argument #3 ($type) must be "jsapi", "wx_card" or "agent_config" (WeCom only)
long: ValueError: wx_get_ticket(): Argument #3 ($type) must be "jsapi", "wx_card" or "agent_config" (WeCom only)
reference: ValueError: wx_get_ticket(): Argument #3 ($type) must be "jsapi", "wx_card" or "agent_config" (WeCom only)
rejected not UTF-8: ValueError: wx_refresh_token(): Argument #2 ($rejected) must be valid UTF-8
type left out: ValueError: wx_get_ticket(): Argument #1 ($ticketFile) must not be the same file as $tokenFile
rejected left out: ArgumentCountError: wx_refresh_token(): Argument #2 ($rejected) not passed
unknown name: Error: Unknown named parameter $sources
-- seconds
9223372036854775807: ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
-9223372036854775808: ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
1.0e+308: ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
-1.0e+308: ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
"NAN": ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
"\ufffd": TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, string given
"1e999": ValueError: wx_with_lock(): Argument #3 ($timeout) must be a number of seconds from 0 to 86400
" ": TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, string given
object: TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, Odd given
resource: TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, resource given
array: TypeError: wx_with_lock(): Argument #3 ($timeout) must be of type ?float, array given
true: "called"
-- settings
warning: ini_set(): wx_token.lock_timeout must be valid UTF-8; the previous value (10) stays
warning: ini_set(): wx_token.lock_timeout must be a number of seconds from 0 to 86400; the previous value (10) stays
warning: ini_set(): wx_token.lock_timeout must be a number of seconds from 0 to 86400; the previous value (10) stays
warning: ini_set(): wx_token.lock_timeout must be a number of seconds from 0 to 86400; the previous value (10) stays
lock_timeout takes "-0"
warning: ini_set(): wx_token.lock_timeout must be a number of seconds from 0 to 86400; the previous value (10) stays
warning: ini_set(): wx_token.background must be valid UTF-8; the previous value (1) stays
warning: ini_set(): wx_token.background must be 1 or 0; the previous value (1) stays
warning: ini_set(): wx_token.background must be 1 or 0; the previous value (1) stays
warning: ini_set(): wx_token.background must be 1 or 0; the previous value (1) stays
warning: ini_set(): wx_token.background must be 1 or 0; the previous value (1) stays
warning: ini_set(): wx_token.background must be 1 or 0; the previous value (1) stays
warning: ini_set(): wx_token.refresh_ahead must be valid UTF-8; the previous value (300) stays
warning: ini_set(): wx_token.refresh_ahead must be a number of seconds from 0 to 86400; the previous value (300) stays
warning: ini_set(): wx_token.refresh_ahead must be a number of seconds from 0 to 86400; the previous value (300) stays
warning: ini_set(): wx_token.refresh_ahead must be a number of seconds from 0 to 86400; the previous value (300) stays
refresh_ahead takes "-0"
warning: ini_set(): wx_token.refresh_ahead must be a number of seconds from 0 to 86400; the previous value (300) stays
-- loaders
bool(true)
"the loader threw Class\\xff in another call. See the error log of that process"
bool(true)
"the loader threw Klass\\u{202e}\\u{2028} in another call. See the error log of that process"
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
answer: WxToken\ApiException: cannot refresh 021-odd-values.json: the loader returned errcode -9223372036854775808 (no errmsg). See WeChat's list of return codes (全局返回码); next attempt in 60 s
answer: WxToken\ApiException: cannot refresh 021-odd-values.json: the loader returned errcode 40013 (a\u{2028}b\u{202e}c\u{85}d). Check the appid (case-sensitive); next attempt in 60 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader's answer is unusable: its "errcode" is not a number; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned resource. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
answer: WxToken\NetworkException: cannot refresh 021-odd-values.json: the loader returned Odd. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
