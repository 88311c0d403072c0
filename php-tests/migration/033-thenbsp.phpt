--TEST--
thenbsp/wechat over a Doctrine cache and over the extension: neither program invalidates the other's token
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
$emulator = start_emulator('--latency', '100', '--overlap', '0');
$directory = fresh_directory(__DIR__ . '/033-thenbsp');
symlink('.', "$directory/cache");
$programs = fn(string $name) => ['thenbsp/library', "thenbsp/$name"];
$legacy = fn(string $call) => fn() => run_in($directory, $programs('legacy'), $call);
$migrated = fn(string $call) => fn() => run_in($directory, $programs('migrated'), $call);
$token = 'access_token()->getTokenString()';
$ticket = 'jsapi_ticket()->getTicketString()';
$cached = "$directory/" . Emulator::APPID . '_access_token.doctrinecache.data';
$file = "$directory/" . Emulator::APPID . '_access_token.json';

echo "-- in turns\n";
$old = fetches($emulator, 'legacy, no entry', $legacy($token));
$written = file_get_contents($cached);
$new = fetches($emulator, 'migrated, no file', $migrated($token));
echo shape($file), "\n";
var_dump(fetches($emulator, 'legacy, valid', $legacy($token)) === $old, file_get_contents($cached) === $written);
var_dump(fetches($emulator, 'migrated, valid', $migrated($token)) === $new);
var_dump(is_valid($emulator, $old), is_valid($emulator, $new));
age($cached);
$old = fetches($emulator, 'legacy, expired', $legacy($token));
var_dump(fetches($emulator, 'migrated, valid', $migrated($token)) === $new, is_valid($emulator, $new));
age($file);
http_json("$emulator->url/emulator/expire", 'POST');
storm($emulator, $directory, $programs('migrated'), $token);

echo "-- the ticket\n";
storm($emulator, $directory, $programs('migrated'), $ticket);
echo shape("$directory/" . Emulator::APPID . '_jsapi_ticket.json'), "\n";
$first = $migrated($ticket)();
$renew = "[\$ticket = jsapi_ticket(), \$ticket->clearFromCache(), \$ticket->getTicketString()][2]";
var_dump(fetches($emulator, 'cleared', fn() => run_in($directory, $programs('migrated'), $renew)) !== $first);

echo "-- rejected by WeChat and cleared by the caller: replaced, and the file stays\n";
$rejected = $migrated($token)();
http_json("$emulator->url/emulator/invalidate", 'POST');
$renew = "[\$token = access_token(), \$token->getTokenString(), \$token->clearFromCache(), \$token->getTokenString()]";
[, $first, , $new] = run_in($directory, $programs('migrated'), $renew);
var_dump($first === $rejected, $new !== $rejected, is_valid($emulator, $new));
var_dump(fetches($emulator, 'then', $migrated($token)) === $new);

echo "-- other entries stay in the old cache\n";
$legacy("wechat_cache()->save('thenbsp_wechat_wechat_serverip', ['ip_list' => ['192.0.2.1']], 60)")();
echo json_encode($migrated("[wechat_cache()->fetch('thenbsp_wechat_wechat_serverip'), wechat_cache()->contains('none'),
    wechat_cache()->save('more', 'x', 60), wechat_cache()->delete('thenbsp_wechat_wechat_serverip')]")()), "\n";
echo json_encode($legacy("[wechat_cache()->fetch('thenbsp_wechat_wechat_serverip'), wechat_cache()->fetch('more')]")()), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/033-thenbsp');
?>
--EXPECT--
-- in turns
legacy, no entry: fetches: 1
migrated, no file: fetches: 1
{"access_token":"TOKEN","expire":TIME}
legacy, valid: fetches: 0
bool(true)
bool(true)
migrated, valid: fetches: 0
bool(true)
bool(true)
bool(true)
legacy, expired: fetches: 1
migrated, valid: fetches: 0
bool(true)
bool(true)
6 at once: fetches: 1, all have the same
-- the ticket
6 at once: fetches: 1, all have the same
{"jsapi_ticket":"TOKEN","expire":TIME}
cleared: fetches: 1
bool(true)
-- rejected by WeChat and cleared by the caller: replaced, and the file stays
bool(true)
bool(true)
bool(true)
then: fetches: 0
bool(true)
-- other entries stay in the old cache
[{"ip_list":["192.0.2.1"]},false,true,true]
[false,"x"]
