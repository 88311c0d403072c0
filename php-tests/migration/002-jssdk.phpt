--TEST--
The JS-SDK sample and the migrated class take turns on its guarded files
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
$directory = fresh_directory(__DIR__ . '/002-jssdk');
function call(string $program, string $method): callable {
    global $directory;
    // The methods are private.
    $call = "(fn() => \$this->$method())->call(new JSSDK(getenv('WX_APPID'), getenv('WX_SECRET')))";
    return fn() => run_in($directory, ["jssdk/$program"], $call);
}
// As the sample ships them.
file_put_contents("$directory/access_token.php", "<?php exit();?>\n{\"access_token\":\"\",\"expire_time\":0}\n");
file_put_contents("$directory/jsapi_ticket.php", "<?php exit();?>\n{\"jsapi_ticket\":\"\",\"expire_time\":0}\n");

echo "-- shipped files, served by the migrated class\n";
foreach (['getAccessToken' => 'access_token', 'getJsApiTicket' => 'jsapi_ticket'] as $method => $name) {
    call('migrated', $method)();
    echo shape("$directory/$name.php");
    in_turns($emulator, "$directory/$name.php", call('legacy', $method), call('migrated', $method));
}

echo "-- both expired\n";
foreach (['migrated', 'legacy'] as $program) {
    array_map('age', glob("$directory/*.php"));
    $before = $emulator->fetches();
    call($program, 'getJsApiTicket')();
    echo "$program: fetches: ", $emulator->fetches() - $before, "\n";
}

echo "-- made by the migrated class\n";
array_map('unlink', glob("$directory/*.php"));
call('migrated', 'getJsApiTicket')();
echo shape("$directory/access_token.php"), "\n", shape("$directory/jsapi_ticket.php"), "\n";
$before = $emulator->fetches();
call('legacy', 'getJsApiTicket')();
call('legacy', 'getAccessToken')();
var_dump($emulator->fetches() - $before);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/002-jssdk');
?>
--EXPECT--
-- shipped files, served by the migrated class
<?php exit();?>
{"access_token":"TOKEN","expire_time":TIME}
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
<?php exit();?>
{"access_token":"TOKEN","expire_time":TIME}

legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
<?php exit();?>{"access_token":"TOKEN","expire_time":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
<?php exit();?>
{"jsapi_ticket":"TOKEN","expire_time":TIME}
migrated, valid: has what the file holds, fetches: 0
the file is as it was: true
migrated, expired: has what the file holds, fetches: 1
only token and expiry differ: true
<?php exit();?>
{"jsapi_ticket":"TOKEN","expire_time":TIME}

legacy, valid: has what the file holds, fetches: 0
bool(true)
legacy, expired: has what the file holds, fetches: 1
<?php exit();?>{"jsapi_ticket":"TOKEN","expire_time":TIME}
migrated, valid: has what the file holds, fetches: 0
bool(true)
-- both expired
migrated: fetches: 2
legacy: fetches: 2
-- made by the migrated class
<?php exit();?>{"access_token":"TOKEN","expire_time":TIME}
<?php exit();?>{"jsapi_ticket":"TOKEN","expire_time":TIME}
int(0)
