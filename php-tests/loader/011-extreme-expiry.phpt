--TEST--
An expiry at the end of all numbers is a bad answer, not a panic
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
foreach ([PHP_INT_MIN, PHP_INT_MAX, (string) PHP_INT_MIN, 1e300, -1e300] as $number => $expire) {
    $file = __DIR__ . "/011-extreme-expiry-$number.json";
    write_token($file, 'old', -1);
    $e = attempt(fn() => wx_get_token($file, fn() => ['access_token' => 'new', 'expire' => $expire]));
    echo json_decode(file_get_contents($file))->access_token, ' ', wx_token_status($file)['failure']['failures'], "\n";
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/011-extreme-expiry-*.json')); ?>
--EXPECT--
WxToken\NetworkException: cannot refresh 011-extreme-expiry-0.json: the loader returned an expired token. "expire" must be in the future; next attempt in 1 s
old 1
WxToken\NetworkException: cannot refresh 011-extreme-expiry-1.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
old 1
WxToken\NetworkException: cannot refresh 011-extreme-expiry-2.json: the loader returned an expired token. "expire" must be in the future; next attempt in 1 s
old 1
WxToken\NetworkException: cannot refresh 011-extreme-expiry-3.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
old 1
WxToken\NetworkException: cannot refresh 011-extreme-expiry-4.json: the loader returned an expired token. "expire" must be in the future; next attempt in 1 s
old 1
