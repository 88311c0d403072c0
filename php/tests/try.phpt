--TEST--
wx_try_token() of the polyfill refreshes by itself where nobody else does, and waits for no lock
--FILE--
<?php
$file = __DIR__ . '/try.json';
$account = ['appid' => 'wx1', 'secret' => 's'];
$write = function (int $expires_in) use ($file) {
    file_put_contents($file, json_encode(['access_token' => 'a-token', 'expire' => time() + $expires_in]));
};
$attempt = function (callable $call) {
    try {
        echo json_encode($call()), "\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', preg_replace('/: cannot connect to .*/', ': cannot connect …', str_replace(__DIR__ . '/', '', $e->getMessage())), "\n";
    }
};

echo "-- a valid token, written this very moment\n";
$write(7200);
$attempt(function () use ($file) { return wx_try_token($file); });

echo "-- none, and another has the lock\n";
$write(-1);
$handle = fopen($file, 'r+');
flock($handle, LOCK_EX);
$begun = microtime(true);
$attempt(function () use ($file, $account) { return wx_try_token($file, $account); });
var_dump(microtime(true) - $begun < 5);

echo "-- due, and another has the lock\n";
$write(100);
$attempt(function () use ($file, $account) { return wx_try_token($file, $account); });
fclose($handle);

echo "-- none, and the lock is free: nobody listens, and the failure is thrown until the next attempt\n";
$write(-1);
foreach ([1, 2] as $time) {
    $attempt(function () use ($file, $account) { return wx_try_token($file, $account); });
}
var_dump(wx_token_status($file)['failure']['failures']);

echo "-- within wx_with_lock()\n";
$write(-1);
$attempt(function () use ($file, $account) {
    return wx_with_lock($file, function () use ($file, $account) { return wx_try_token($file, $account); });
});

echo "-- no loader\n";
$attempt(function () use ($file) { return wx_try_token($file, ['loader' => 'time']); });
?>
--INI--
wx_token.api_base=http://127.0.0.1:1
wx_token.timeout=3
--CLEAN--
<?php unlink(__DIR__ . '/try.json'); ?>
--EXPECT--
-- a valid token, written this very moment
"a-token"
-- none, and another has the lock
null
bool(true)
-- due, and another has the lock
"a-token"
-- none, and the lock is free: nobody listens, and the failure is thrown until the next attempt
WxToken\NetworkException: cannot refresh try.json: cannot connect …
WxToken\NetworkException: cannot refresh try.json: cannot connect …
int(1)
-- within wx_with_lock()
WxToken\LockException: cannot lock try.json: wx_try_token() was called inside wx_with_lock() on this file, so no refresh can start. Call wx_get_token() there, or wx_try_token() outside
-- no loader
ValueError: wx_try_token(): Argument #2 ($source) must not have the option "loader" here
