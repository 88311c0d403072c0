--TEST--
Redis, Memcached, a table: they and the extension's file live side by side
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
$recipe = new Recipe(start_emulator('--latency', '100'), 'stores', '046-stores', ['stand-ins/stores']);
foreach (['redis_token(new FlatRedis)', 'memcached_token(new FlatMemcached)', 'database_token(new FlatPdo)'] as $call) {
    echo "-- $call\n";
    array_map('unlink', glob($recipe->path('*.json')));
    http_json("{$recipe->emulator->url}/emulator/forget", 'POST');
    $recipe->side_by_side($call, 'access_token.json');
}

echo "-- rejected by WeChat\n";    // The stable endpoint is asked twice: it repeats the rejected token until it is forced.
$rejected = $recipe->run('migrated', 'redis_token(new FlatRedis)');
$recipe->invalidate();
$new = $recipe->counted('migrated', fn() => $recipe->storm('migrated', "renew_redis_token(new FlatRedis, '$rejected')"));
var_dump($new !== $rejected && $recipe->accepts($new));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/046-stores');
?>
--EXPECT--
-- redis_token(new FlatRedis)
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
-- memcached_token(new FlatMemcached)
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
-- database_token(new FlatPdo)
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
