--TEST--
The option layout serves files whose meaning their content does not tell
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
$directory = fresh_directory(__DIR__ . '/009-layout-option');
$file = "$directory/token";
/** Asks for the token, and shows what came of it. */
function get(string $layout): string {
    global $emulator, $directory;
    $before = $emulator->fetches();
    $options = var_export(['appid' => Emulator::APPID, 'secret' => Emulator::SECRET, 'layout' => $layout], true);
    $token = run_in($directory, [], "wx_get_token('token', $options)");
    echo "$layout: fetches: ", $emulator->fetches() - $before, ', ', strlen($token) > 20 ? 'new' : substr($token, 0, 3), "\n";
    return $token;
}
function expires_time(int $ago): void {
    file_put_contents($GLOBALS['file'], json_encode(['access_token' => 'old', 'expires_time' => time() - $ago]));
}
/** How the readers of such files judge them. */
$fetched = fn() => json_decode(file_get_contents($file))->expires_time + 3600 > time();
$expiry = fn() => json_decode(file_get_contents($file))->expires_time > time();

echo "-- the time of the fetch: trusted for an hour\n";
expires_time(1800);
get('expires_time:fetched');
expires_time(3700);
get('expires_time:fetched');
echo shape($file), "\n";
$left = json_decode(file_get_contents($file))->expires_time - time();
var_dump(-5 <= $left && $left <= 0, $fetched());

echo "-- the expiry\n";
expires_time(-1800);
get('expires_time:expiry');
expires_time(1);
get('expires_time:expiry');
echo shape($file), "\n";
$left = json_decode(file_get_contents($file))->expires_time - time();
var_dump(7190 < $left && $left <= 7200, $expiry());

echo "-- the token alone: two hours from the file's modification\n";
file_put_contents($file, "old-0123456789abc\n");
touch($file, time() - 3600);
get('plain');
touch($file, time() - 7201);
var_dump(get('plain') . "\n" === file_get_contents($file));
clearstatcache();
$left = filemtime($file) + 7200 - time();
var_dump(7190 < $left && $left <= 7200);
get('plain');

echo "-- two expiries: the one that is said\n";
file_put_contents($file, json_encode(['access_token' => 'old', 'expire' => 5, 'expires_at' => time() + 600]));
get('expires_at');
get('expire');
echo shape($file), "\n";

echo "-- new files\n";
foreach (['expire', 'expire_time', 'expires', 'expires_at', 'expired', 'expires_in', 'expires_time:fetched',
    'expires_time:expiry', 'time:fetched', 'time:expiry', 'time+expires_in', 'token+expires', 'guarded', 'serialize',
    'plain', 'csv', 'csv:fetched', 'csv:expiry'] as $layout) {
    unlink($file);
    get($layout);
    echo '    ', shape($file), "\n";
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/009-layout-option');
?>
--EXPECTF--
-- the time of the fetch: trusted for an hour
expires_time:fetched: fetches: 0, old
expires_time:fetched: fetches: 1, new
{"access_token":"TOKEN","expires_time":TIME}
bool(true)
bool(true)
-- the expiry
expires_time:expiry: fetches: 0, old
expires_time:expiry: fetches: 1, new
{"access_token":"TOKEN","expires_time":TIME}
bool(true)
bool(true)
-- the token alone: two hours from the file's modification
plain: fetches: 0, old
plain: fetches: 1, new
bool(true)
bool(true)
plain: fetches: 0, new
-- two expiries: the one that is said
expires_at: fetches: 0, old
expire: fetches: 1, new
{"access_token":"TOKEN","expire":TIME,"expires_at":TIME}
-- new files
expire: fetches: 1, new
    {"access_token":"TOKEN","expire":TIME}
expire_time: fetches: 1, new
    {"access_token":"TOKEN","expire_time":TIME}
expires: fetches: 1, new
    {"access_token":"TOKEN","expires":TIME}
expires_at: fetches: 1, new
    {"access_token":"TOKEN","expires_at":TIME}
expired: fetches: 1, new
    {"access_token":"TOKEN","expired":TIME}
expires_in: fetches: 1, new
    {"access_token":"TOKEN","expires_in":7%d,"wx_token":{"expires_at_ms":%d,"token":"%s"}}
expires_time:fetched: fetches: 1, new
    {"access_token":"TOKEN","expires_time":TIME}
expires_time:expiry: fetches: 1, new
    {"access_token":"TOKEN","expires_time":TIME}
time:fetched: fetches: 1, new
    {"access_token":"TOKEN","time":TIME}
time:expiry: fetches: 1, new
    {"access_token":"TOKEN","time":TIME}
time+expires_in: fetches: 1, new
    {"access_token":"TOKEN","expires_in":7%d,"time":TIME}
token+expires: fetches: 1, new
    {"token":"TOKEN","expires":TIME}
guarded: fetches: 1, new
    <?php exit();?>{"access_token":"TOKEN","expire_time":TIME}
serialize: fetches: 1, new
    a:3:{s:4:"name";s:5:"token";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
plain: fetches: 1, new
    TOKEN
csv: fetches: 1, new
    TOKEN,7%d,TIME
csv:fetched: fetches: 1, new
    TOKEN,TIME
csv:expiry: fetches: 1, new
    TOKEN,TIME
