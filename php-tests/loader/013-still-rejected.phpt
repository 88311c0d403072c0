--TEST--
A loader that returns the rejected token again is a failure, and the status says so as the exception does
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/013-still-rejected.json';
// After six failures in a row the next one is not retried for a minute.
$failed_before = ['wx_token' => ['network' => 'before', 'failed_at_ms' => 1, 'retry_at_ms' => 2, 'failures' => 6]];
$calls = 0;
$loader = function () use (&$calls) {
    $calls++;
    return ['access_token' => 'rejected', 'expires_in' => 7200];
};
write_token($file, 'rejected', 3600, $failed_before);
foreach ([1, 2] as $_) {
    $e = attempt(fn() => wx_refresh_token($file, 'rejected', $loader));
    var_dump($e?->getCode());
}
$failure = wx_token_status($file)['failure'];
var_dump($calls, $failure['failures'], $failure['errcode']);
var_dump(str_contains($e->getMessage(), str_replace('WeChat still', 'the loader still', $failure['message'])));
// As far as the file tells, its token is valid.
attempt(fn() => wx_get_token($file, $loader));
?>
--CLEAN--
<?php @unlink(__DIR__ . '/013-still-rejected.json'); ?>
--EXPECTF--
WxToken\ApiException: cannot refresh 013-still-rejected.json: the loader still returns the rejected token. WeChat replaces a stable token at most every 30 s and 20 times a day; next attempt in %d s
int(40001)
WxToken\ApiException: cannot refresh 013-still-rejected.json: the loader still returns the rejected token. WeChat replaces a stable token at most every 30 s and 20 times a day; next attempt in %d s
int(40001)
int(1)
int(7)
int(40001)
bool(true)
"rejected"
