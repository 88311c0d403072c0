--TEST--
Beside legacy code that fetches classic tokens, stable ones leave its tokens alone and are left alone
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
// What lives five minutes longer at WeChat dies at once here.
$emulator = start_emulator('--overlap', '0');
$directory = fresh_directory(__DIR__ . '/013-endpoint');
$legacy = fn(string $file) => run_in($directory, ['articles/legacy'], "getToken('$file')");
$get = fn(string $file, string $call, string ...$more) => run_in($directory, [], "$call('$file', "
    . implode(', ', array_map(fn($argument) => "'$argument'", $more)) . ($more ? ', ' : '')
    . "['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET'), 'endpoint' => '{$GLOBALS['endpoint']}'])");
$lives = fn(string $token) => isset(http_json("$emulator->url/cgi-bin/get_api_domain_ip?access_token=$token")['ip_list'])
    ? 'lives' : 'is dead';

foreach (['classic', 'stable'] as $endpoint) {
    echo "-- $endpoint\n";
    http_json("$emulator->url/emulator/forget", 'POST');
    $old = $legacy("legacy-$endpoint.json");
    $new = $get("$endpoint.json", 'wx_get_token');
    echo "the extension fetches: the token of legacy code {$lives($old)}\n";
    unlink("$directory/legacy-$endpoint.json");
    $old = $legacy("legacy-$endpoint.json");
    echo "legacy code fetches: the token of the extension {$lives($new)}\n";
}

echo "-- a classic token in the shared file, which another fetch has killed\n";
$file = 'shared.json';
$dead = $legacy($file);
$legacy('elsewhere.json');
$before = $emulator->fetches();
$new = $get($file, 'wx_refresh_token', $dead);
echo "replaced: {$lives($new)}, fetches: ", $emulator->fetches() - $before,
    ', forced: ', http_json("$emulator->url/emulator/stats")['forced'], "\n";
var_dump($legacy($file) === $new);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/013-endpoint');
?>
--EXPECT--
-- classic
the extension fetches: the token of legacy code is dead
legacy code fetches: the token of the extension is dead
-- stable
the extension fetches: the token of legacy code lives
legacy code fetches: the token of the extension lives
-- a classic token in the shared file, which another fetch has killed
replaced: lives, fetches: 1, forced: 0
bool(true)
