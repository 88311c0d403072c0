--TEST--
WeChatDeveloper, with its own cache and with that of the extension, takes turns on its cache files
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
$directory = fresh_directory(__DIR__ . '/005-wechatdeveloper');
$new = "new WeChat\\Script(['appid' => getenv('WX_APPID'), 'appsecret' => getenv('WX_SECRET'), 'cache_path' => '.'])";
$install = "(new WxTokenCache(getcwd(), [getenv('WX_APPID') => getenv('WX_SECRET')]))->install()";
$programs = ['wechatdeveloper/legacy', 'wechatdeveloper/migrated'];
$legacy = fn(string $call) => fn() => run_in($directory, ['wechatdeveloper/legacy'], "($new)->$call");
$migrated = fn(string $call) => fn() => run_in($directory, $programs, "[$install, ($new)->$call][1]");

foreach ([
    'getAccessToken()' => '_access_token',
    "getTicket('jsapi')" => '_ticket_jsapi',
    "getTicket('wx_card')" => '_ticket_wx_card',
] as $call => $name) {
    $file = "$directory/" . Emulator::APPID . $name;
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
array_map('age', glob("$directory/wx*"));
http_json("$emulator->url/emulator/expire", 'POST');
storm($emulator, $directory, $programs, "[$install, ($new)->getTicket()][1]");

echo "-- rejected by WeChat and deleted by the library: replaced, and the file stays\n";
$file = "$directory/" . Emulator::APPID . '_access_token';
$rejected = $migrated('getAccessToken()')();
http_json("$emulator->url/emulator/invalidate", 'POST');
$call = "callGetApi('https://api.weixin.qq.com/cgi-bin/get_api_domain_ip?access_token=ACCESS_TOKEN')";
var_dump(isset($migrated($call)()->ip_list), str_contains(file_get_contents($file), $rejected));
$token = fetches($emulator, 'then', $migrated('getAccessToken()'));
var_dump(is_valid($emulator, $token));

echo "-- two objects of the library have the rejected token: replaced once\n";
// Two fetches: the stable endpoint repeats the token until it is forced.
http_json("$emulator->url/emulator/invalidate", 'POST');
echo json_encode(fetches($emulator, 'both', fn() => run_in($directory, $programs, '(function () {
    ' . $install . ';
    [$a, $b] = [' . $new . ', ' . $new . '];
    [$first, $same] = [$a->getAccessToken(), $b->getAccessToken()];
    $a->delAccessToken();
    $second = $a->getAccessToken();
    $b->delAccessToken();
    return [$same === $first, $second !== $first, $b->getAccessToken() === $second];
})()'))), "\n";

echo "-- a ticket that the library deletes is fetched again\n";
$ticket = $migrated('getTicket()')();
var_dump(fetches($emulator, 'deleted', fn() => run_in($directory, $programs,
    "[$install, \$script = $new, \$script->delTicket(), \$script->getTicket()][3]")) === $ticket);

echo "-- what the library is told to store in place of the token is not stored\n";
$token = $migrated('getAccessToken()')();
var_dump(run_in($directory, $programs, "[$install,
    WeChat\\Contracts\\Tools::setCache(getenv('WX_APPID') . '_access_token', 'x'), ($new)->getAccessToken()][2]") === $token);

echo "-- other entries are cached as before\n";
echo json_encode(run_in($directory, $programs, '(function () {
    ' . $install . ';
    WeChat\Contracts\Tools::setCache("menu", "x", 60);
    WeChat\Contracts\Tools::setCache("old", "x", -60);
    WeChat\Contracts\Tools::setCache("wx2_access_token", "other account", 60);
    $names = ["menu", "old", "none", "wx2_access_token"];
    $seen = array_map("WeChat\Contracts\Tools::getCache", $names);
    WeChat\Contracts\Tools::delCache("menu");
    return [...$seen, WeChat\Contracts\Tools::getCache("menu")];
})()')), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/005-wechatdeveloper');
?>
--EXPECT--
-- getAccessToken(), made by the library
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:3:{s:4:"name";s:31:"wx0123456789abcdef_access_token";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:3:{s:4:"name";s:31:"wx0123456789abcdef_access_token";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- getAccessToken(), made by the extension
a:3:{s:4:"name";s:31:"wx0123456789abcdef_access_token";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- getTicket('jsapi'), made by the library
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:3:{s:4:"name";s:31:"wx0123456789abcdef_ticket_jsapi";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:3:{s:4:"name";s:31:"wx0123456789abcdef_ticket_jsapi";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- getTicket('jsapi'), made by the extension
a:3:{s:4:"name";s:31:"wx0123456789abcdef_ticket_jsapi";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- getTicket('wx_card'), made by the library
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
a:3:{s:4:"name";s:33:"wx0123456789abcdef_ticket_wx_card";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
a:3:{s:4:"name";s:33:"wx0123456789abcdef_ticket_wx_card";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- getTicket('wx_card'), made by the extension
a:3:{s:4:"name";s:33:"wx0123456789abcdef_ticket_wx_card";s:5:"value";s:86:"TOKEN";s:7:"expired";i:TIME;}
legacy, valid: fetches: 0
-- both expired
6 at once: fetches: 2, all have the same
-- rejected by WeChat and deleted by the library: replaced, and the file stays
bool(true)
bool(false)
then: fetches: 0
bool(true)
-- two objects of the library have the rejected token: replaced once
both: fetches: 2
[true,true,true]
-- a ticket that the library deletes is fetched again
deleted: fetches: 1
bool(false)
-- what the library is told to store in place of the token is not stored
bool(true)
-- other entries are cached as before
["x",null,null,"other account",null]
