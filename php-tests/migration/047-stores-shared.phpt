--TEST--
Redis, Memcached, a table that other machines use: each program uses what the other stored, with its true expiry
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
$recipe = new Recipe(start_emulator('--latency', '100'), 'stores', '047-stores-shared', ['stand-ins/stores']);
$file = $recipe->path('access_token.json');

/** Whether file and store agree on the expiry. Redis tells it in seconds from now, hence the two seconds. */
function expiries_agree(Recipe $recipe, string $file): bool
{
    preg_match_all('/\b1\d{9}\b/', $recipe->store(), $matches);
    return abs(json_decode(file_get_contents($file))->expire - min($matches[0])) <= 2;
}

/** Lets what the store keeps end in so many seconds. */
function ends_in(Recipe $recipe, int $seconds): void
{
    file_put_contents($recipe->path('store.json'), preg_replace('/\b1\d{9}\b/', (string) (time() + $seconds), $recipe->store()));
}

foreach ([
    'redis' => ['redis_token(new FlatRedis)', 'load_from_redis(new FlatRedis, %s)'],
    'memcached' => ['memcached_token(new FlatMemcached)', 'load_from_memcached(new FlatMemcached, %s)'],
    'database' => ['database_token(new FlatPdo)', 'load_from_database(new FlatPdo, %s)'],
] as $name => [$call, $load]) {
    echo "-- $name\n";
    array_map('unlink', glob($recipe->path('*.json')));
    http_json("{$recipe->emulator->url}/emulator/forget", 'POST');
    $legacy = fn() => $recipe->run('legacy', $call);
    $migrated = fn() => $recipe->storm('migrated_shared', $call);

    $first = $recipe->counted('legacy', $legacy);
    ends_in($recipe, 3000);
    $second = $recipe->counted('migrated, valid', $migrated);
    echo 'the same token: ', json_encode($second === $first), "\n";
    // Nobody knows how old a token of the legacy program in Memcached is: it was replaced.
    echo 'the same expiry: ', json_encode(expiries_agree($recipe, $file)), "\n";
    var_dump($recipe->counted('legacy, valid', $legacy) === $second);

    $recipe->expire();
    $third = $recipe->counted('migrated, expired', $migrated);
    echo 'another one: ', json_encode($third !== $second), "\n";
    echo 'the same expiry: ', json_encode(expiries_agree($recipe, $file)), "\n";
    var_dump($recipe->counted('legacy, valid', $legacy) === $third);
    ends_in($recipe, 2000);
    unlink($file);
    var_dump($recipe->counted('another machine, migrated', $migrated) === $third);
    echo 'the same expiry: ', json_encode(expiries_agree($recipe, $file)), "\n";

    echo "rejected by WeChat\n";    // The stable endpoint is asked twice: it repeats the rejected token until it is forced.
    $recipe->invalidate();
    $rejected = var_export($third, true);
    $renew = fn() => $recipe->storm('migrated_shared', "wx_refresh_token('access_token.json', $rejected, fn() => " . sprintf($load, $rejected) . ')');
    $fourth = $recipe->counted('migrated', $renew);
    var_dump($fourth !== $third && $recipe->accepts($fourth));
    var_dump($recipe->counted('legacy', $legacy) === $fourth);
    unlink($file);
    var_dump($recipe->counted('another machine, migrated', $renew) === $fourth);

    echo "in its last five minutes\n";
    ends_in($recipe, 200);
    unlink($file);
    $fifth = $recipe->counted('migrated', $migrated);
    var_dump($recipe->counted('legacy', $legacy) === $fifth);

    echo "an error of WeChat's\n";
    $recipe->expire();
    $recipe->script([['errcode' => 45009]]);
    echo json_encode($recipe->run('migrated_shared', "(function () {
        try { return $call; } catch (WxToken\\Exception \$e) { return get_class(\$e) . ' ' . \$e->getCode(); }
    })()")), "\n";
}

echo "-- a key of Redis without an end\n";
array_map('unlink', glob($recipe->path('*.json')));
$recipe->run('legacy', "(new FlatStore)->set('wx_access_token', 'EMUold')");
var_dump($recipe->accepts($recipe->counted('migrated', fn() => $recipe->run('migrated_shared', 'redis_token(new FlatRedis)'))));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/047-stores-shared');
?>
--EXPECT--
-- redis
legacy: fetches: 1
migrated, valid: fetches: 0
the same token: true
the same expiry: true
legacy, valid: fetches: 0
bool(true)
migrated, expired: fetches: 1
another one: true
the same expiry: true
legacy, valid: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
the same expiry: true
rejected by WeChat
migrated: fetches: 2
bool(true)
legacy: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
in its last five minutes
migrated: fetches: 1
legacy: fetches: 0
bool(true)
an error of WeChat's
"WxToken\\ApiException 45009"
-- memcached
legacy: fetches: 1
migrated, valid: fetches: 1
the same token: false
the same expiry: true
legacy, valid: fetches: 0
bool(true)
migrated, expired: fetches: 1
another one: true
the same expiry: true
legacy, valid: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
the same expiry: true
rejected by WeChat
migrated: fetches: 2
bool(true)
legacy: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
in its last five minutes
migrated: fetches: 1
legacy: fetches: 0
bool(true)
an error of WeChat's
"WxToken\\ApiException 45009"
-- database
legacy: fetches: 1
migrated, valid: fetches: 0
the same token: true
the same expiry: true
legacy, valid: fetches: 0
bool(true)
migrated, expired: fetches: 1
another one: true
the same expiry: true
legacy, valid: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
the same expiry: true
rejected by WeChat
migrated: fetches: 2
bool(true)
legacy: fetches: 0
bool(true)
another machine, migrated: fetches: 0
bool(true)
in its last five minutes
migrated: fetches: 1
legacy: fetches: 0
bool(true)
an error of WeChat's
"WxToken\\ApiException 45009"
-- a key of Redis without an end
migrated: fetches: 1
bool(true)
