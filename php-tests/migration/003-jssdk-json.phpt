--TEST--
The older JS-SDK sample and the migrated class take turns on its JSON files
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
require __DIR__ . '/programs.inc';
$emulator = start_emulator();
$directory = fresh_directory(__DIR__ . '/003-jssdk-json');
function call(string $program, string $method): callable {
    global $directory;
    // The methods are private.
    $call = "(fn() => \$this->$method())->call(new JSSDK(getenv('WX_APPID'), getenv('WX_SECRET')))";
    return fn() => run_in($directory, ["jssdk/$program"], $call);
}
file_put_contents("$directory/access_token.json", '{"expire_time":0,"access_token":""}');
file_put_contents("$directory/jsapi_ticket.json", '{"expire_time":0,"jsapi_ticket":""}');

foreach (['getAccessToken' => 'access_token', 'getJsApiTicket' => 'jsapi_ticket'] as $method => $name) {
    call('legacy_json', $method)();
    echo shape("$directory/$name.json"), "\n";
    in_turns($emulator, "$directory/$name.json", call('legacy_json', $method), call('migrated_json', $method));
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/003-jssdk-json');
?>
--EXPECT--
{"expire_time":TIME,"access_token":"TOKEN"}
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"expire_time":TIME,"access_token":"TOKEN"}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"expire_time":TIME,"access_token":"TOKEN"}
migrated, valid: has what the file holds, fetches: 0
bool(true)
{"expire_time":TIME,"jsapi_ticket":"TOKEN"}
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"expire_time":TIME,"jsapi_ticket":"TOKEN"}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"expire_time":TIME,"jsapi_ticket":"TOKEN"}
migrated, valid: has what the file holds, fetches: 0
bool(true)
