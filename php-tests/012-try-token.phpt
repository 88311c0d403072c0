--TEST--
wx_try_token() returns a valid token, null while there is none, or throws the failure; it takes no loader
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/flock/processes.inc';
$file = __DIR__ . '/012-try-token.json';
$account = ['appid' => 'wx1', 'secret' => 's'];

echo "-- arguments\n";
foreach ([
    fn() => wx_try_token(''),
    fn() => wx_try_token([]),
    fn() => wx_try_token("a\0b"),
    fn() => wx_try_token('file:///tmp/token.json'),
    fn() => wx_try_token($file, fn() => 'a loader'),
    fn() => wx_try_token($file, 'strtolower'),
    fn() => wx_try_token($file, ['app_id' => 'wx1']),
    fn() => wx_try_token($file, ['secret' => 's']),
    fn() => wx_try_token(__DIR__ . '/flock'),
    fn() => touch(__FILE__) ? wx_try_token(__FILE__) : 'not touched',
    fn() => wx_try_token(__DIR__ . '/nowhere/token.json', $account),
    fn() => wx_try_token($file),
] as $call) {
    attempt($call);
}
var_dump(file_exists($file));

echo "-- a valid token\n";
write_token($file, 'a-token', 7200);
until(fn() => wx_try_token($file, $account) !== null);
attempt(fn() => wx_try_token($file, $account));
attempt(fn() => wx_try_token($file));

echo "-- what is written this very moment is left to the next call\n";
until(function () use ($file) {
    write_token($file, 'another-token', 7200);
    return wx_try_token($file) === null;
});
until(fn() => wx_try_token($file) === 'another-token');

echo "-- while others have the lock\n";
write_token($file, 'old', -1);
$holder = holder($file);
// Long enough for the file to be read.
$until = hrtime(true) + 100e6;
do {
    $answers[] = wx_try_token($file, $account);
} while (hrtime(true) < $until);
var_dump(array_unique($answers));
$holder->say('go on');
$holder->hear();

echo "-- while a Fiber that is suspended has it, and within\n";
$fiber = new Fiber(fn() => wx_with_lock($file, fn() => Fiber::suspend()));
$fiber->start();
attempt(fn() => wx_try_token($file, $account));
$fiber->resume();
attempt(fn() => wx_with_lock($file, fn() => wx_try_token($file, $account)));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/012-try-token.json'); ?>
--EXPECT--
-- arguments
ValueError: wx_try_token(): Argument #1 ($file) must not be empty
TypeError: wx_try_token(): Argument #1 ($file) must be of type string, array given
ValueError: wx_try_token(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_try_token(): Argument #1 ($file) must be a local path, not a URL
TypeError: wx_try_token(): Argument #2 ($source) must be of type ?array, Closure given
TypeError: wx_try_token(): Argument #2 ($source) must be of type ?array, string given
ValueError: wx_try_token(): Argument #2 ($source) contains the unknown option "app_id"; allowed are appid (or corpid), secret (or corpsecret), endpoint, layout, loader, share_as, refresh_ahead, lock_timeout, timeout
ValueError: wx_try_token(): Argument #2 ($source) has the option "secret" without "appid"
WxToken\FileException: cannot use flock: it is a directory. Pass the path of a regular file
null
WxToken\FileException: cannot create nowhere/token.json: the directory nowhere does not exist. Create it, or pass another path
WxToken\ConfigException: no WeChat account is configured. Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]
bool(false)
-- a valid token
"a-token"
"a-token"
-- what is written this very moment is left to the next call
-- while others have the lock
array(1) {
  [0]=>
  NULL
}
-- while a Fiber that is suspended has it, and within
null
WxToken\LockException: cannot lock 012-try-token.json: wx_try_token() was called inside wx_with_lock() on this file, so no refresh can start. Call wx_get_token() there, or wx_try_token() outside
