--TEST--
Exceptions have their file, line and trace, and can be made and extended in PHP
--EXTENSIONS--
wx_token
--INI--
zend.exception_ignore_args=0
--FILE--
<?php
function fail($path) {
    wx_get_token($path, ['appid' => 'wx1', 'secret' => 'must-not-be-shown']);
}
try {
    fail('/nowhere/token.json');
} catch (RuntimeException $e) {
    echo $e::class, ' ', basename($e->getFile()), ':', $e->getLine(), "\n";
    echo str_replace(__DIR__ . '/', '', $e->getTraceAsString()), "\n";
    echo $e->tokenFile, "\n";
    var_dump($e->getPrevious(), str_contains(print_r($e, true), 'must-not-be-shown'));
}
foreach (['Api', 'Network', 'Lock', 'File', 'Config'] as $kind) {
    $class = "WxToken\\{$kind}Exception";
    $e = new $class('made in PHP', 7);
    echo $e::class, ' ', $e->getMessage(), ' ', $e->getCode(), ' ',
        json_encode(array_diff_key(get_object_vars($e), get_object_vars(new RuntimeException))), "\n";
    var_dump($e instanceof WxToken\Exception);
}
final class Mine extends WxToken\ApiException {}
var_dump((new Mine)->retryAt);
?>
--EXPECTF--
WxToken\FileException %s:3
#0 008-exceptions.php(3): wx_get_token('/nowhere/token....', Object(SensitiveParameterValue))
#1 008-exceptions.php(6): fail('/nowhere/token....')
#2 {main}
/nowhere/token.json
NULL
bool(false)
WxToken\ApiException made in PHP 7 {"tokenFile":"","errmsg":"","retryAt":0}
bool(true)
WxToken\NetworkException made in PHP 7 {"tokenFile":"","retryAt":0}
bool(true)
WxToken\LockException made in PHP 7 {"tokenFile":"","holderPid":null}
bool(true)
WxToken\FileException made in PHP 7 {"tokenFile":""}
bool(true)
WxToken\ConfigException made in PHP 7 {"tokenFile":""}
bool(true)
int(0)
