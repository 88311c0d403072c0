--TEST--
A project over gaoming13/wechat-php-sdk and the migrated one take turns on their files
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
$emulator = start_emulator('--latency', '100');
$directory = fresh_directory(__DIR__ . '/034-gaoming13');
$programs = fn(string $name) => ['gaoming13/library', "gaoming13/$name"];
$legacy = fn(string $call) => fn() => run_in($directory, $programs('legacy'), "wechat_api()->$call()");
$migrated = fn(string $call) => fn() => run_in($directory, $programs('migrated'), "wechat_api()->$call()");

foreach (['get_access_token' => 'access_token', 'get_jsapi_ticket' => 'jsapi_ticket'] as $call => $name) {
    $file = "$directory/$name.json";
    echo "-- $call, made by the legacy program\n";
    $legacy($call)();
    in_turns($emulator, $file, $legacy($call), $migrated($call));
    echo "-- $call, ten minutes before the expiry: the library would fetch\n";
    file_put_contents($file, preg_replace('/\b1\d{9}\b/', (string) (time() + 600), file_get_contents($file)));
    fetches($emulator, 'migrated', $migrated($call));
    echo "-- $call, made by the migrated program\n";
    unlink($file);
    $new = $migrated($call)();
    var_dump(str_contains(file_get_contents($file), "\"$new\""));
    fetches($emulator, 'legacy, another format', $legacy($call));
    fetches($emulator, 'migrated, valid', $migrated($call));
}

echo "-- both expired\n";
array_map('age', glob("$directory/*.json"));
http_json("$emulator->url/emulator/expire", 'POST');
storm($emulator, $directory, $programs('migrated'), 'wechat_api()->get_jsapi_ticket()');

echo "-- rejected by WeChat: the caller replaces it, and the library gets the new one\n";
$rejected = $migrated('get_access_token')();
http_json("$emulator->url/emulator/invalidate", 'POST');
$renew = "(function () {
    \$api = wechat_api();
    \$account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    return [wx_refresh_token('access_token.json', \$api->get_access_token(), \$account), \$api->get_access_token()];
})()";
[$new, $again] = run_in($directory, $programs('migrated'), $renew);
var_dump($new !== $rejected, $again === $new, is_valid($emulator, $new));
fetches($emulator, 'then', $migrated('get_access_token'));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/034-gaoming13');
?>
--EXPECT--
-- get_access_token, made by the legacy program
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"access_token":"TOKEN","expires_in":TIME}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"access_token":"TOKEN","expires_in":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- get_access_token, ten minutes before the expiry: the library would fetch
migrated: fetches: 0
-- get_access_token, made by the migrated program
bool(true)
legacy, another format: fetches: 1
migrated, valid: fetches: 0
-- get_jsapi_ticket, made by the legacy program
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"ticket":"TOKEN","expires_in":TIME}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"ticket":"TOKEN","expires_in":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- get_jsapi_ticket, ten minutes before the expiry: the library would fetch
migrated: fetches: 0
-- get_jsapi_ticket, made by the migrated program
bool(true)
legacy, another format: fetches: 1
migrated, valid: fetches: 0
-- both expired
6 at once: fetches: 2, all have the same
-- rejected by WeChat: the caller replaces it, and the library gets the new one
bool(true)
bool(true)
bool(true)
then: fetches: 0
