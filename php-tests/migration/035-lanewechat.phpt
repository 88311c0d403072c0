--TEST--
LaneWeChat's AccessToken and the migrated class take turns on the file with the time of the fetch
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
$directory = fresh_directory(__DIR__ . '/035-lanewechat');
$file = "$directory/access_token";
$call = 'LaneWeChat\Core\AccessToken::getAccessToken()';
$legacy = fn() => run_in($directory, ['lanewechat/legacy'], $call);
$migrated = fn() => run_in($directory, ['lanewechat/migrated'], $call);
/** The time of the fetch is long ago, for the file and for WeChat. The file's modification is not. */
$age = function () use ($emulator, $file) {
    file_put_contents($file, preg_replace('/\b1\d{9}\b/', (string) (time() - 8000), file_get_contents($file)));
    http_json("$emulator->url/emulator/expire", 'POST');
};
/** The form of the file; the expiry must be about two hours away. */
$show = function () use ($file) {
    $data = json_decode(file_get_contents($file), true);
    $left = $data['time'] + $data['expires_in'] - time();
    echo preg_replace('/"expires_in":7\d{3}\b/', '"expires_in":LIFETIME', shape($file)), ', ',
        7180 < $left && $left <= 7200 ? 'valid for two hours' : "valid for $left s", "\n";
};

echo "-- made by the legacy class\n";
$token = fetches($emulator, 'legacy, no file', $legacy);
$show();
$written = file_get_contents($file);
var_dump(fetches($emulator, 'migrated, valid', $migrated) === $token, file_get_contents($file) === $written);
$age();
$token = fetches($emulator, 'migrated, expired', $migrated);
$show();
var_dump(fetches($emulator, 'legacy, valid', $legacy) === $token);
$age();
$token = fetches($emulator, 'legacy, expired', $legacy);
$show();
var_dump(fetches($emulator, 'migrated, valid', $migrated) === $token);

echo "-- expired\n";
$age();
storm($emulator, $directory, ['lanewechat/migrated'], $call);
$show();
fetches($emulator, 'legacy, valid', $legacy);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/035-lanewechat');
?>
--EXPECT--
-- made by the legacy class
legacy, no file: fetches: 1
{"access_token":"TOKEN","expires_in":LIFETIME,"time":TIME}, valid for two hours
migrated, valid: fetches: 0
bool(true)
bool(true)
migrated, expired: fetches: 1
{"access_token":"TOKEN","expires_in":LIFETIME,"time":TIME}, valid for two hours
legacy, valid: fetches: 0
bool(true)
legacy, expired: fetches: 1
{"access_token":"TOKEN","expires_in":LIFETIME,"time":TIME}, valid for two hours
migrated, valid: fetches: 0
bool(true)
-- expired
6 at once: fetches: 1, all have the same
{"access_token":"TOKEN","expires_in":LIFETIME,"time":TIME}, valid for two hours
legacy, valid: fetches: 0
