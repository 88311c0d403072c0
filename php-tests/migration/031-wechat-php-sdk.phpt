--TEST--
zoujingli/wechat-php-sdk, with its own cache and with that of the extension, takes turns on its cache files
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
$emulator = start_emulator('--latency', '100', '--force-interval', '0');
$directory = fresh_directory(__DIR__ . '/031-wechat-php-sdk');
$new = "new Wechat\\WechatScript(['appid' => getenv('WX_APPID'), 'appsecret' => getenv('WX_SECRET'), 'cachepath' => '.'])";
$install = "(new WechatSdkCache(getcwd(), [getenv('WX_APPID') => getenv('WX_SECRET')]))->install()";
$programs = ['wechat-php-sdk/legacy', 'wechat-php-sdk/migrated'];
$legacy = fn(string $call) => fn() => run_in($directory, ['wechat-php-sdk/legacy'], "($new)->$call");
$migrated = fn(string $call) => fn() => run_in($directory, $programs, "[$install, ($new)->$call][1]");

foreach (['getAccessToken()' => 'wechat_access_token_', 'getJsTicket()' => 'wechat_jsapi_ticket_'] as $call => $name) {
    $file = "$directory/$name" . Emulator::APPID;
    echo "-- $call, made by the library\n";
    $legacy($call)();
    in_turns($emulator, $file, $legacy($call), $migrated($call));
    echo "-- $call, made by the extension\n";
    unlink($file);
    $migrated($call)();
    echo shape($file), "\n";
    fetches($emulator, 'legacy, valid', $legacy($call));
}

echo "-- both expired\n";
array_map('age', glob("$directory/wechat*"));
http_json("$emulator->url/emulator/expire", 'POST');
storm($emulator, $directory, $programs, "[$install, ($new)->getJsTicket()][1]");

echo "-- rejected by WeChat and deleted by the library: replaced, and the file stays\n";
$rejected = $migrated('getAccessToken()')();
http_json("$emulator->url/emulator/invalidate", 'POST');
$renew = "[$install, \$script = $new, \$script->getAccessToken(), \$script->resetAuth(), \$script->getAccessToken()]";
$token = run_in($directory, $programs, $renew)[4];
var_dump($token !== $rejected, is_valid($emulator, $token));
fetches($emulator, 'then', $migrated('getAccessToken()'));

echo "-- two objects of the library have the rejected token: replaced once\n";
// Two fetches: the stable endpoint repeats the token until it is forced.
http_json("$emulator->url/emulator/invalidate", 'POST');
echo json_encode(fetches($emulator, 'both', fn() => run_in($directory, $programs, '(function () {
    ' . $install . ';
    [$a, $b] = [' . $new . ', ' . $new . '];
    [$first, $same] = [$a->getAccessToken(), $b->getAccessToken()];
    $a->resetAuth();
    $second = $a->getAccessToken();
    $b->resetAuth();
    return [$same === $first, $second !== $first, $b->getAccessToken() === $second];
})()'))), "\n";

echo "-- a ticket that the library deletes is fetched again\n";
$ticket = $migrated('getJsTicket()')();
$renew = "[$install, \$script = $new, \$script->resetJsTicket(), \$script->getJsTicket()]";
var_dump(fetches($emulator, 'deleted', fn() => run_in($directory, $programs, $renew))[3] !== $ticket);

echo "-- other entries are cached as before\n";
echo json_encode(run_in($directory, $programs, '(function () {
    ' . $install . ';
    Wechat\Lib\Cache::set("component_verify_ticket", "x");
    Wechat\Lib\Cache::set("wechat_access_token_wx2", "other account", 60);
    file_put_contents("old", serialize(["value" => "x", "expired" => time() - 1]));
    $names = ["component_verify_ticket", "old", "none", "wechat_access_token_wx2"];
    $seen = array_map("Wechat\Lib\Cache::get", $names);
    Wechat\Lib\Cache::del("component_verify_ticket");
    return [...$seen, Wechat\Lib\Cache::get("component_verify_ticket")];
})()')), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/031-wechat-php-sdk');
?>
--EXPECT--
-- getAccessToken(), made by the library
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
-- getAccessToken(), made by the extension
a:3:{s:4:"name";s:38:"wechat_access_token_wx0123456789abcdef";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- getJsTicket(), made by the library
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
-- getJsTicket(), made by the extension
a:3:{s:4:"name";s:38:"wechat_jsapi_ticket_wx0123456789abcdef";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- both expired
6 at once: fetches: 2, all have the same
-- rejected by WeChat and deleted by the library: replaced, and the file stays
bool(true)
bool(true)
then: fetches: 0
-- two objects of the library have the rejected token: replaced once
both: fetches: 2
[true,true,true]
-- a ticket that the library deletes is fetched again
deleted: fetches: 1
bool(true)
-- other entries are cached as before
["x",null,null,"other account",null]
