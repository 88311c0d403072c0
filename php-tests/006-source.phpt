--TEST--
$source is account options, a callable, or null
--EXTENSIONS--
wx_token
--FILE--
<?php
$file = __DIR__ . '/006-source.json';
$account = ['appid' => 'wx1', 'secret' => 's'];
foreach ([
    ['app_id' => 'wx1'],
    ['a', 'b', 'c'],
    ['secret' => 's'],
    ['appid' => ''] + $account,
    ['appid' => 5] + $account,
    ['secret' => null] + $account,
    $account + ['endpoint' => 'wechat'],
    ['corpid' => 'ww1', 'corpsecret' => 's', 'endpoint' => 'stable'],
    ['endpoint' => 'classic', 'appid' => 'ww1', 'corpsecret' => 's'],
    ['corpsecret' => 's'],
    $account + ['layout' => 'expires_time'],
    $account + ['timeout' => 0],
    $account + ['timeout' => 'soon'],
    $account + ['timeout' => []],
    $account + ['lock_timeout' => -1],
    $account + ['lock_timeout' => INF],
    5,
    'no_such_function',
    new stdClass,
] as $source) {
    try {
        wx_get_token($file, $source);
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
var_dump(file_exists($file));

// Options are checked even if there is nothing to fetch.
file_put_contents($file, json_encode(['access_token' => 'abc', 'expire' => time() + 600]));
try {
    wx_get_token($file, ['unknown' => 1]);
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
$timeout = '1.5';
$by_reference = ['appid' => 'wx1', 'timeout' => &$timeout];
var_dump(wx_get_token($file), wx_get_token($file, null), wx_get_token($file, []), wx_get_token($file, $by_reference));
?>
--CLEAN--
<?php unlink(__DIR__ . '/006-source.json'); ?>
--EXPECT--
ValueError: wx_get_token(): Argument #2 ($source) contains the unknown option "app_id"; allowed are appid (or corpid), secret (or corpsecret), endpoint, layout, loader, share_as, refresh_ahead, lock_timeout, timeout
ValueError: wx_get_token(): Argument #2 ($source) must have string keys, for example ['appid' => …, 'secret' => …]
ValueError: wx_get_token(): Argument #2 ($source) has the option "secret" without "appid"
ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be a non-empty string
ValueError: wx_get_token(): Argument #2 ($source) option "appid" must be a non-empty string
ValueError: wx_get_token(): Argument #2 ($source) option "secret" must be a non-empty string
ValueError: wx_get_token(): Argument #2 ($source) option "endpoint" must be "stable", "classic" or "wecom"
ValueError: wx_get_token(): Argument #2 ($source) has the option "corpid" or "corpsecret" with another "endpoint" than "wecom"
ValueError: wx_get_token(): Argument #2 ($source) has the option "corpid" or "corpsecret" with another "endpoint" than "wecom"
ValueError: wx_get_token(): Argument #2 ($source) has the option "secret" without "appid"
ValueError: wx_get_token(): Argument #2 ($source) option "layout" must be one of expire, expire_time, expires, expires_at, expired, expires_in, token+expires, guarded, serialize, plain, csv, expires_in:expiry, START+expires_in, or KEY:MEANING, where START is time, tokentime, get_time, update_time, create_time, fetch_time or timestamp, KEY is expires_time, csv or a START, and MEANING is fetched or expiry
ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
ValueError: wx_get_token(): Argument #2 ($source) option "timeout" must be a number of seconds from 0.001 to 86400
ValueError: wx_get_token(): Argument #2 ($source) option "lock_timeout" must be a number of seconds from 0 to 86400
ValueError: wx_get_token(): Argument #2 ($source) option "lock_timeout" must be a number of seconds from 0 to 86400
TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, int given
TypeError: wx_get_token(): Argument #2 ($source) must be a valid callback or null, function "no_such_function" not found or invalid function name
TypeError: wx_get_token(): Argument #2 ($source) must be of type array|callable|null, stdClass given
bool(false)
wx_get_token(): Argument #2 ($source) contains the unknown option "unknown"; allowed are appid (or corpid), secret (or corpsecret), endpoint, layout, loader, share_as, refresh_ahead, lock_timeout, timeout
string(3) "abc"
string(3) "abc"
string(3) "abc"
string(3) "abc"
