--TEST--
A cache that several machines share becomes a loader: one process of a machine goes to it
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
$directory = fresh_directory(__DIR__ . '/006-loader');
$cache = "new JsonDatabase('database.json')";
$legacy = fn() => run_in($directory, ['loader/legacy'], "(new AccessToken($cache))->get()");
$migrated = fn(string $machine) =>
    run_in($directory, ['loader/migrated'], "(new AccessToken($cache, '$machine.json'))->get()");
$renew = fn(string $machine, string $rejected) =>
    run_in($directory, ['loader/migrated'], "(new AccessToken($cache, '$machine.json'))->renew('$rejected')");
function fetches(string $title, callable $call): string {
    global $emulator;
    $before = $emulator->fetches();
    $got = $call();
    echo "$title: fetches: ", $emulator->fetches() - $before, "\n";
    return $got;
}

$first = fetches('a legacy machine', $legacy);
var_dump(fetches('machine 1', fn() => $migrated('1')) === $first);
var_dump(fetches('machine 2', fn() => $migrated('2')) === $first);
echo shape("$directory/1.json"), "\n";
$row = json_decode(file_get_contents("$directory/database.json"), true)['wx_access_token'];
var_dump(json_decode(file_get_contents("$directory/1.json"))->expire === $row['expires']);

echo "-- rejected\n";
$second = fetches('machine 1', fn() => $renew('1', $first));
var_dump($second !== $first);
var_dump(fetches('machine 2', fn() => $renew('2', $first)) === $second);
var_dump(fetches('machine 2, again', fn() => $renew('2', $first)) === $second);
var_dump(fetches('the legacy machine', $legacy) === $second);

echo "-- expired everywhere\n";
array_map('age', glob("$directory/*.json"));
$third = fetches('machine 1', fn() => $migrated('1'));
var_dump(fetches('machine 2', fn() => $migrated('2')) === $third);
var_dump(fetches('the legacy machine', $legacy) === $third);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/006-loader');
?>
--EXPECT--
a legacy machine: fetches: 1
machine 1: fetches: 0
bool(true)
machine 2: fetches: 0
bool(true)
{"access_token":"TOKEN","expire":TIME}
bool(true)
-- rejected
machine 1: fetches: 1
bool(true)
machine 2: fetches: 0
bool(true)
machine 2, again: fetches: 0
bool(true)
the legacy machine: fetches: 0
bool(true)
-- expired everywhere
machine 1: fetches: 1
machine 2: fetches: 0
bool(true)
the legacy machine: fetches: 0
bool(true)
