--TEST--
WeChatDeveloper, with its own cache and with that of the extension, takes turns on its cache file
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
$directory = fresh_directory(__DIR__ . '/005-wechatdeveloper');
$name = Emulator::APPID . '_access_token';
$file = "$directory/$name";
$get = "(new WeChatClient(['appid' => getenv('WX_APPID'), 'appsecret' => getenv('WX_SECRET'), 'cache_path' => '.']))->getAccessToken()";
$install = "(new WxTokenCache(getcwd(), [getenv('WX_APPID') => getenv('WX_SECRET')]))->install()";
$legacy = fn() => run_in($directory, ['wechatdeveloper/legacy'], $get);
$programs = ['wechatdeveloper/legacy', 'wechatdeveloper/migrated'];
$migrated = fn() => run_in($directory, $programs, "[$install, $get][1]");

echo "-- made by the library\n";
$legacy();
in_turns($emulator, $file, $legacy, $migrated);

echo "-- made by the extension\n";
unlink($file);
$migrated();
echo shape($file), "\n";
in_turns($emulator, $file, $legacy, $migrated);

echo "-- refused by WeChat and deleted by the library: replaced once, and the file stays\n";
echo json_encode(run_in($directory, $programs, '(function () {
    ' . $install . ';
    $clients = array_map(fn() => new WeChatClient(["appid" => getenv("WX_APPID"), "appsecret" => getenv("WX_SECRET"), "cache_path" => "."]), [1, 2]);
    [$a, $b] = $clients;
    $refused = $a->getAccessToken();
    $b->getAccessToken();
    $a->delAccessToken();
    $new = $a->getAccessToken();
    return [$new !== $refused, $new === $a->getAccessToken(), file_exists(Tools::$cache_path . "/" . getenv("WX_APPID") . "_access_token")];
})()')), "\n";

echo "-- what is no token is cached as before\n";
echo json_encode(run_in($directory, $programs, '(function () {
    ' . $install . ';
    Tools::setCache("menu", "x", 60);
    Tools::setCache("old", "x", -60);
    $seen = [Tools::getCache("menu"), Tools::getCache("old"), Tools::getCache("none")];
    Tools::delCache("menu");
    return [...$seen, Tools::getCache("menu")];
})()')), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/005-wechatdeveloper');
?>
--EXPECT--
-- made by the library
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
-- made by the extension
a:3:{s:4:"name";s:31:"wx0123456789abcdef_access_token";s:5:"value";s:157:"TOKEN";s:7:"expired";i:TIME;}
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
-- refused by WeChat and deleted by the library: replaced once, and the file stays
[true,true,true]
-- what is no token is cached as before
["x",null,null,null]
