--TEST--
ThinkPHP: its cache and the extension live side by side, and a rejected token is replaced once
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
$recipe = new Recipe(start_emulator('--latency', '100'), 'thinkphp', '043-thinkphp', ['stand-ins/thinkphp']);
foreach (['get_access_token_tp3()', 'get_access_token()', 'remember_access_token()'] as $call) {
    echo "-- $call\n";
    array_map('unlink', glob($recipe->path('*.json')));
    http_json("{$recipe->emulator->url}/emulator/forget", 'POST');
    $recipe->side_by_side($call, 'access_token.json');
}

echo "-- rejected by WeChat\n";    // The stable endpoint is asked twice: it repeats the rejected token until it is forced.
$rejected = $recipe->run('migrated', 'get_access_token()');
$recipe->invalidate();
$new = $recipe->counted('migrated', fn() => $recipe->storm('migrated', "renew_access_token('$rejected')"));
var_dump($new !== $rejected && $recipe->accepts($new));
var_dump($recipe->run('migrated', 'get_access_token()') === $new);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/043-thinkphp');
?>
--EXPECT--
-- get_access_token_tp3()
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
-- get_access_token()
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
-- remember_access_token()
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
migrated: fetches: 2
bool(true)
bool(true)
