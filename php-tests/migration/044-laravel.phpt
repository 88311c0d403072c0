--TEST--
Laravel: Cache::remember() and the extension live side by side, and a rejected token is replaced once
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
require __DIR__ . '/recipes.inc';
$recipe = new Recipe(start_emulator('--latency', '100'), 'laravel', '044-laravel', ['stand-ins/laravel']);
$recipe->side_by_side('(new WechatService)->accessToken()', 'wx_access_token.json');

echo "-- rejected by WeChat\n";    // The stable endpoint is asked twice: it repeats the rejected token until it is forced.
$rejected = $recipe->run('migrated', '(new WechatService)->accessToken()');
$recipe->invalidate();
$call = 'isset((new WechatService)->call("cgi-bin/get_api_domain_ip")["ip_list"])';
$recipe->counted('migrated', fn() => $recipe->storm('migrated', $call));
$new = $recipe->run('migrated', '(new WechatService)->accessToken()');
var_dump($new !== $rejected && $recipe->accepts($new));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/044-laravel');
?>
--EXPECT--
legacy: fetches: 1
migrated: fetches: 1
{"access_token":"TOKEN","expire":TIME}
migrated, again: fetches: 0
legacy, again: fetches: 0
both are valid: true
the cache is as it was: true
migrated, expired: fetches: 1
legacy, expired: fetches: 1
a new token, and still valid: true
-- rejected by WeChat
migrated: true, fetches: 2
bool(true)
