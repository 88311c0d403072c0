--TEST--
The articles' getToken($file) and the migrated one take turns on one file
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
$directory = fresh_directory(__DIR__ . '/001-articles');
$file = "$directory/access_token.json";
$legacy = fn() => run_in($directory, ['articles/legacy'], "getToken('access_token.json')");
$migrated = fn() => run_in($directory, ['articles/migrated'], "getToken('access_token.json')");

echo "-- made by the legacy program\n";
$legacy();
in_turns($emulator, $file, $legacy, $migrated);

echo "-- edited by hand, with a key of its own\n";
file_put_contents($file, "{ \"expire\" : 1500000000,\n  \"access_token\" : \"EMUold\", \"app\":7 }\n");
echo strlen($migrated()), ' ', shape($file);
in_turns($emulator, $file, $legacy, $migrated);

echo "-- made by the migrated program\n";
unlink($file);
$migrated();
echo shape($file), "\n";
in_turns($emulator, $file, $legacy, $migrated);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/001-articles');
?>
--EXPECT--
-- made by the legacy program
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"access_token":"TOKEN","expire":TIME}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"access_token":"TOKEN","expire":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- edited by hand, with a key of its own
157 { "expire" : TIME,
  "access_token" : "TOKEN", "app":7 }
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{ "expire" : TIME,
  "access_token" : "TOKEN", "app":7 }

legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"expire":TIME,"access_token":"TOKEN","app":7}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- made by the migrated program
{"access_token":"TOKEN","expire":TIME}
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
{"access_token":"TOKEN","expire":TIME}
legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
{"access_token":"TOKEN","expire":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
