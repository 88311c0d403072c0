--TEST--
wx_refresh_token() calls a loader only if the file still holds the rejected token, and shows it to nobody
--EXTENSIONS--
wx_token
pcntl
--INI--
zend.exception_ignore_args=0
zend.exception_string_param_max_len=100
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/009-refresh.json';
$calls = 0;
$loader = function () use (&$calls) {
    $calls++;
    return ['access_token' => "new$calls", 'expires_in' => 7200];
};
foreach ([
    'the rejected token' => ['rejected', 7200],
    'the rejected token, due' => ['rejected', 100],
    'the rejected token, expired' => ['rejected', -1],
    'another token' => ['newer', 7200],
    'another token, due' => ['newer', 100],
    'another token, expired' => ['newer', -1],
    'a token that begins like it' => ['rejected-', 7200],
] as $name => [$token, $expires_in]) {
    write_token($file, $token, $expires_in, ['note' => 'kept']);
    $calls = 0;
    echo "$name: ";
    attempt(fn() => wx_refresh_token($file, 'rejected', $loader));
    $content = json_decode(file_get_contents($file));
    echo "    calls: $calls, in the file: $content->access_token, $content->note\n";
}
echo 'no file: ';
unlink($file);
attempt(fn() => wx_refresh_token($file, 'rejected', $loader));

echo "-- arguments\n";
attempt(fn() => wx_refresh_token($file, '', $loader));
attempt(fn() => wx_refresh_token($file, [], $loader));
attempt(fn() => wx_refresh_token($file));
attempt(fn() => wx_refresh_token($file, "\xFF", $loader));
attempt(fn() => wx_refresh_token(rejected: 'rejected', source: $loader, file: $file));

echo "-- traces\n";
function trace(Throwable $e): void {
    $trace = $e->getTraceAsString();
    echo $e::class, "\n", preg_replace('/\(\d+\)/', '(line)', str_replace(__DIR__ . '/', '', $trace)), "\n";
    var_dump(str_contains($trace . print_r($e, true) . $e, 'fake-token'));
}
foreach ([
    fn() => throw new RuntimeException('from the loader'),
    fn() => null,
    ['appid' => 'wx1'],
    5,
] as $source) {
    write_token($file, 'fake-token', 7200);
    try {
        wx_refresh_token($file, 'fake-token', $source);
    } catch (Throwable $e) {
        trace($e);
    }
}
try {
    wx_refresh_token('', 'fake-token');
} catch (ValueError $e) {
    trace($e);
}
$arguments = $e->getTrace()[0]['args'];
var_dump($arguments[1] instanceof SensitiveParameterValue);
?>
--CLEAN--
<?php @unlink(__DIR__ . '/009-refresh.json'); ?>
--EXPECTF--
the rejected token: "new1"
    calls: 1, in the file: new1, kept
the rejected token, due: "new1"
    calls: 1, in the file: new1, kept
the rejected token, expired: "new1"
    calls: 1, in the file: new1, kept
another token: "newer"
    calls: 0, in the file: newer, kept
another token, due: "newer"
    calls: 0, in the file: newer, kept
another token, expired: "new1"
    calls: 1, in the file: new1, kept
a token that begins like it: "rejected-"
    calls: 0, in the file: rejected-, kept
no file: "new1"
-- arguments
ValueError: wx_refresh_token(): Argument #2 ($rejected) must not be empty
TypeError: wx_refresh_token(): Argument #2 ($rejected) must be of type string, array given
ArgumentCountError: wx_refresh_token() expects at least 2 arguments, 1 given
ValueError: wx_refresh_token(): Argument #2 ($rejected) must be valid UTF-8
"new1"
-- traces
RuntimeException
#0 [internal function]: {closure%S}()
#1 009-refresh.php(line): wx_refresh_token('009-refresh.json', Object(SensitiveParameterValue), Object(SensitiveParameterValue))
#2 {main}
bool(false)
WxToken\NetworkException
#0 009-refresh.php(line): wx_refresh_token('009-refresh.json', Object(SensitiveParameterValue), Object(SensitiveParameterValue))
#1 {main}
bool(false)
WxToken\ConfigException
#0 009-refresh.php(line): wx_refresh_token('009-refresh.json', Object(SensitiveParameterValue), Object(SensitiveParameterValue))
#1 {main}
bool(false)
TypeError
#0 009-refresh.php(line): wx_refresh_token('009-refresh.json', Object(SensitiveParameterValue), Object(SensitiveParameterValue))
#1 {main}
bool(false)
ValueError
#0 009-refresh.php(line): wx_refresh_token('', Object(SensitiveParameterValue))
#1 {main}
bool(false)
bool(true)
