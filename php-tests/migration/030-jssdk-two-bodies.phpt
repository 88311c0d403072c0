--TEST--
To migrate the JS-SDK sample, it is enough to replace the bodies of its two get methods
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php
is_executable(getenv("WECHAT_EMULATOR") ?: __DIR__ . "/../../target/release/wechat-emulator")
    || print "skip the emulator is not built, and WECHAT_EMULATOR does not name it";
?>
--FILE--
<?php
require __DIR__ . '/callers.inc';
$emulator = start_emulator('--latency', '200');
$directory = fresh_directory(__DIR__ . '/030-jssdk-two-bodies');
/** The text of a method, and how many lines its body has. */
function method(string $class, string $name): array {
    preg_match("/    private function $name\(\)\n    \{\n(.*?\n)    \}\n/s", $class, $match);
    return [$match[0], substr_count($match[1], "\n")];
}
$sign = '(function () {
    $_SERVER = ["HTTP_HOST" => "example.com", "REQUEST_URI" => "/"] + $_SERVER;
    $package = (new JSSDK(getenv("WX_APPID"), getenv("WX_SECRET")))->getSignPackage();
    preg_match("/jsapi_ticket=([^&]+)/", $package["rawString"], $match);
    return $match[1];
})()';

foreach (['' => 'php', '_json' => 'json'] as $form => $ending) {
    $legacy = file_get_contents(__DIR__ . "/../../examples/jssdk/legacy$form.php");
    $migrated = file_get_contents(__DIR__ . "/../../examples/jssdk/migrated$form.php");
    $lines = 0;
    $class = $legacy;
    foreach (['getJsApiTicket', 'getAccessToken'] as $name) {
        [$body, $count] = method($migrated, $name);
        $class = str_replace(method($legacy, $name)[0], $body, $class);
        $lines += $count;
    }
    file_put_contents("$directory/jssdk$form.php", $class);
    echo "-- $ending, $lines lines\n";
    $guard = $ending === 'php' ? "<?php exit();?>\n" : '';
    file_put_contents("$directory/access_token.$ending", $guard . '{"access_token":"","expire_time":0}');
    file_put_contents("$directory/jsapi_ticket.$ending", $guard . '{"jsapi_ticket":"","expire_time":0}');
    storm($emulator, $directory, ["../php-tests/migration/030-jssdk-two-bodies/jssdk$form"], $sign);
    $ticket = fetches($emulator, 'legacy, valid', fn() => run_in($directory, ["jssdk/legacy$form"], $sign));
    var_dump(str_contains(file_get_contents("$directory/jsapi_ticket.$ending"), "\"$ticket\""));
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/030-jssdk-two-bodies');
?>
--EXPECT--
-- php, 3 lines
6 at once: fetches: 2, all have the same
legacy, valid: fetches: 0
bool(true)
-- json, 4 lines
6 at once: fetches: 2, all have the same
legacy, valid: fetches: 0
bool(true)
