--TEST--
The option layout counts for loaders and for the status, share_as for loaders alone; a status says what a call would
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/flock/processes.inc';
$file = __DIR__ . '/028-layout-everywhere.txt';
$token = str_repeat('T', 40);
$loader = fn() => ['access_token' => str_repeat('N', 40), 'expires_in' => 7200];

echo "-- a loader with options\n";
foreach (['plain', 'csv:expiry', 'time:fetched', 'serialize'] as $layout) {
    @unlink($file);
    $source = ['loader' => $loader, 'layout' => $layout];
    $got = wx_get_token($file, $source);
    $content = preg_replace('/\b1\d{9}\b/', 'TIME', file_get_contents($file));
    $status = wx_token_status($file, $source);
    echo "$layout: ", str_replace($got, 'NEW', $content), ", $status[state], $status[layout]\n";
}

echo "-- the status without the option says why a call would throw, and with it what it would return\n";
file_put_contents($file, "$token\n");
echo wx_token_status($file)['state'], ', ', wx_token_status($file, ['layout' => 'plain'])['state'], "\n";
file_put_contents($file, json_encode(['access_token' => $token, 'jsapi_ticket' => $token, 'expire' => time() + 5000]));
echo wx_token_status($file)['state'], ': ', str_replace(__DIR__ . '/', '', wx_token_status($file)['error']), "\n";
file_put_contents($file, json_encode(['access_token' => $token, 'expire' => time() + 600]));
echo wx_token_status($file)['state'], ', ', wx_token_status($file, ['refresh_ahead' => 700])['state'], "\n";

echo "-- what is no loader, or not alone, or not possible\n";
attempt(fn() => wx_get_token($file, ['loader' => 'no_such_function']));
attempt(fn() => wx_get_token($file, ['loader' => $loader, 'appid' => 'wx01', 'secret' => 's']));
attempt(fn() => wx_get_token($file, ['share_as' => 'site']));
attempt(fn() => wx_get_token($file, ['loader' => $loader, 'share_as' => 'a{b']));
attempt(fn() => wx_get_token($file, ['loader' => $loader, 'share_as' => str_repeat('x', 101)]));
attempt(fn() => wx_try_token($file, ['loader' => $loader]));
attempt(fn() => wx_get_ticket($file, "$file.token", 'jsapi', ['loader' => $loader]));
echo "-- a token that the file could not give back\n";
file_put_contents($file, '');
attempt(fn() => wx_get_token($file, ['loader' => fn() => ['access_token' => 'a,b', 'expires_in' => 60], 'layout' => 'plain']));
var_dump(file_get_contents($file));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/028-layout-everywhere.txt'); ?>
--EXPECT--
-- a loader with options
plain: NEW, fresh, plain
csv:expiry: NEW,TIME, fresh, csv:expiry
time:fetched: {"access_token":"NEW","time":TIME}, fresh, time:fetched
serialize: a:3:{s:4:"name";s:25:"028-layout-everywhere.txt";s:5:"value";s:40:"NEW";s:7:"expired";i:TIME;}, fresh, serialize
-- the status without the option says why a call would throw, and with it what it would return
unusable, fresh
unusable: cannot use 028-layout-everywhere.txt: it contains "access_token" and the key "jsapi_ticket". Give each token or ticket a file of its own; the file is unchanged
fresh, due
-- what is no loader, or not alone, or not possible
ValueError: wx_get_token(): Argument #2 ($source) option "loader" must be callable
ValueError: wx_get_token(): Argument #2 ($source) has the option "loader" and an account: a loader fetches by itself
ValueError: wx_get_token(): Argument #2 ($source) has the option "share_as" without "loader": accounts need no name to be shared
ValueError: wx_get_token(): Argument #2 ($source) option "share_as" must have 100 bytes at most, without braces and control characters
ValueError: wx_get_token(): Argument #2 ($source) option "share_as" must have 100 bytes at most, without braces and control characters
ValueError: wx_try_token(): Argument #2 ($source) must not have the option "loader" here
ValueError: wx_get_ticket(): Argument #4 ($source) must not have the option "loader" here
-- a token that the file could not give back
WxToken\NetworkException: cannot refresh 028-layout-everywhere.txt: the layout of the file cannot hold the new token, which is short or has unusual characters. Use a new file in JSON; next attempt in 1 s
string(0) ""
