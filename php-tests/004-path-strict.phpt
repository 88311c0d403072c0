--TEST--
$file follows PHP's strict mode
--EXTENSIONS--
wx_token
--FILE--
<?php
declare(strict_types=1);
class Path {
    function __toString(): string { return '/tmp/token.json'; }
}
foreach ([123, 1.5, true, null, new Path] as $file) {
    try {
        wx_get_token($file);
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECTF--
wx_get_token(): Argument #1 ($file) must be of type string, int given
wx_get_token(): Argument #1 ($file) must be of type string, float given
wx_get_token(): Argument #1 ($file) must be of type string, %r(bool|true)%r given
wx_get_token(): Argument #1 ($file) must be of type string, null given
wx_get_token(): Argument #1 ($file) must be of type string, Path given
