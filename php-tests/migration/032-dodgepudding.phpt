--TEST--
A subclass of dodgepudding's Wechat and the migrated subclass take turns on its cache files
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
$directory = fresh_directory(__DIR__ . '/032-dodgepudding');
$new = "new EasyWechat(['appid' => getenv('WX_APPID'), 'appsecret' => getenv('WX_SECRET'), 'cachedir' => '.'])";
$programs = fn(string $name) => ['dodgepudding/library', "dodgepudding/$name"];
$legacy = fn(string $call) => fn() => run_in($directory, $programs('legacy'), "($new)->$call");
$migrated = fn(string $call) => fn() => run_in($directory, $programs('migrated'), "($new)->$call");

foreach ([
    'checkAuth()' => 'wechat_access_token',
    'getJsTicket()' => 'wechat_jsapi_ticket',
    'getJsCardTicket()' => 'wechat_api_ticket_wxcard',
] as $call => $name) {
    $file = "$directory/$name" . Emulator::APPID . '.cache';
    echo "-- $call, made by the legacy class\n";
    $legacy($call)();
    in_turns($emulator, $file, $legacy($call), $migrated($call));
    echo "-- $call, made by the migrated class\n";
    unlink($file);
    $migrated($call)();
    echo shape($file), "\n";
    fetches($emulator, 'legacy, valid', $legacy($call));
}

echo "-- both expired\n";
array_map('age', glob("$directory/wechat*"));
http_json("$emulator->url/emulator/expire", 'POST');
storm($emulator, $directory, $programs('migrated'), "($new)->getJsTicket()");

echo "-- rejected by WeChat and reset by the caller: replaced, and the file stays\n";
$rejected = $migrated('checkAuth()')();
http_json("$emulator->url/emulator/invalidate", 'POST');
$reset = "[\$wechat = $new, \$wechat->checkAuth(), \$wechat->resetAuth(), \$wechat->checkAuth(), \$wechat->checkAuth()]";
[, $first, , $token, $again] = run_in($directory, $programs('migrated'), $reset);
var_dump($first === $rejected, $token !== $rejected, $token === $again, is_valid($emulator, $token));
fetches($emulator, 'then', $migrated('checkAuth()'));

echo "-- a ticket that is reset is fetched again\n";
$ticket = $migrated('getJsTicket()')();
$reset = "[\$wechat = $new, \$wechat->resetJsTicket(), \$wechat->getJsTicket()][2]";
var_dump(fetches($emulator, 'reset', fn() => run_in($directory, $programs('migrated'), $reset)) !== $ticket);

echo "-- another account stays with the old cache\n";
file_put_contents("$directory/wechat_access_tokenwx2.cache", serialize(['value' => 'theirs', 'expired' => time() + 60]));
var_dump($migrated("checkAuth('wx2', 'secret')")());
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/032-dodgepudding');
?>
--EXPECT--
-- checkAuth(), made by the legacy class
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:2:{s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:2:{s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- checkAuth(), made by the migrated class
a:3:{s:4:"name";s:43:"wechat_access_tokenwx0123456789abcdef.cache";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- getJsTicket(), made by the legacy class
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:2:{s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:2:{s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- getJsTicket(), made by the migrated class
a:3:{s:4:"name";s:43:"wechat_jsapi_ticketwx0123456789abcdef.cache";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- getJsCardTicket(), made by the legacy class
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:2:{s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:2:{s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- getJsCardTicket(), made by the migrated class
a:3:{s:4:"name";s:48:"wechat_api_ticket_wxcardwx0123456789abcdef.cache";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- both expired
6 at once: fetches: 2, all have the same
-- rejected by WeChat and reset by the caller: replaced, and the file stays
bool(true)
bool(true)
bool(true)
bool(true)
then: fetches: 0
-- a ticket that is reset is fetched again
reset: fetches: 1
bool(true)
-- another account stays with the old cache
string(6) "theirs"
