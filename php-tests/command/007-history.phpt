--TEST--
wx-token history: who refreshed, gaps, failures and other writers, from the log and what logrotate has made of it
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
require __DIR__ . '/log.inc';
$directory = command_directory('007-history');
$file = "$directory/token.json";
write_command_token($file, 3600);
symlink($file, "$directory/link.json");
$log = "$directory/wx.log";
$now = (float) strtotime('12:00 UTC');
$at = static function ($hours) use ($now) {
    return $now - $hours * 3600;
};
$cron = ['pid' => 77, 'sapi' => 'cli', 'script' => '/srv/site/cron.php'];
$page = ['file' => $file, 'appid' => 'wx0123456789abcdef', 'endpoint' => 'stable'];
file_put_contents("$log.2.gz", gzencode(refreshed_line($at(40), $file, 'aaaaaaaa', '00000001')));
file_put_contents("$log.1", refreshed_line($at(20), $file, '00000001', '00000002') . refreshed_line($at(19.9), '/srv/other.json', '11111111', '22222222'));
file_put_contents($log, implode('', [
    refreshed_line($at(18), $file, '00000002', '00000003'),
    log_line($at(18) + 0.1, 'waited', $page + ['waited_ms' => 190, 'new' => '00000003', 'pid' => 4322, 'sapi' => 'fpm-fcgi', 'script' => '/srv/site/index.php']),
    log_line($at(15.9), 'failed', $page + ['requests' => 3, 'fetch_ms' => 8003, 'waited_ms' => 8010, 'errcode' => 40164,
        'message' => "invalid ip 1.2.3.4\x1b]0;owned\x07\n, not in whitelist", 'retry_at' => log_time($at(15.9) + 60), 'failures' => 2] + $cron),
    refreshed_line($at(15.5), "$directory/link.json", '00000003', '00000004'),
    "{\"time\":\"broken\n", "Nov 30 14:03:07 host nginx[1]: \x1b[31mnot ours\n", "{\"time\":\"2026\",\"event\":\"refreshed\"}\n", "[1,2]\n", "\xff\xfe\0\n", "\n",
    str_repeat('{"long":', 20000) . "\n",
    refreshed_line($at(14), $file, '99999999', '00000005', ['foreign' => true]),
    log_line($at(13.9), 'displaced', $page + ['old' => '00000005', 'new' => '00000006'] + $cron),
    log_line($at(13), 'rejected', $page + ['old' => '00000005', 'new' => '00000007'] + $cron),
    log_line($at(12.9), 'adopted', $page + ['old' => '00000007', 'new' => '00000008', 'expires_at' => log_time($at(11))] + $cron),
    log_line($at(12.5), 'lock_timeout', $page + ['waited_ms' => 10000, 'holder_pid' => 5] + $cron),
    log_line($at(12.4), 'not_stored', $page + ['fetch_ms' => 100, 'message' => 'No space left on device'] + $cron),
    log_line($at(12.3), 'interrupted', $page + $cron),
    'Nov 30 14:03:07 host wx_token[4321]: ' . refreshed_line($at(11.5), $file, '00000008', '00000009', ['ticket' => 'jsapi']),
    '{"time":"torn', ]));
touch("$log.2.gz", (int) $at(40));
touch("$log.1", (int) $at(19));
$since = '--since=' . gmdate('Y-m-d\TH:i\Z', (int) $at(21));
$settings = ['wx_token.log' => $log];
show_command(['history', $since, $file], $settings);

echo "-- from before, with the calls that waited, and for another path of the file\n";
list($code, $output) = wx_token(['history', '--since=' . gmdate('Y-m-d\TH:i\Z', (int) $at(41)), '--waits', "--log=$log", "$directory/link.json"]);
echo preg_match_all('/^\d.* refreshed /m', $output), ' ', preg_match_all('/^\d.* waited /m', $output), ' ', strpos($output, '00000001') !== false ? 'with the packed log' : $output, "\n";

echo "-- nothing acts on a terminal\n";
list($code, $output) = on_terminal(40, ['history', $since, $file], $settings);
echo widest(preg_replace('/^.*\r/m', '', $output)) <= 40 ? 'fits' : $output, ', only ours: ',
    json_encode(preg_replace('/\e\[(?:0|1|2|3[123])m|\r?\e\[K/', '', $output) === preg_replace('/\e\[[\d;]*[mK]|\r/', '', $output)), ' ',
    json_encode(preg_match('/[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/', str_replace("\r", '', $output)) === 0), "\n";

echo "-- JSON\n";
list($code, $output) = wx_token(['history', '--json', $since, $file], $settings);
$history = json_decode($output, true);
echo $code, ' ', implode(' ', array_keys($history)), ' ', count($history['events']), "\n", steady(json_encode($history['sums'], JSON_UNESCAPED_SLASHES)), "\n";
echo implode(' ', array_keys($history['events'][2])), "\n";

echo "-- the standard input, an empty history, and a log that is not there\n";
list($code, $output) = wx_token(['history', $since, '--log=-', $file], [], [], file_get_contents("$log.1"));
echo $code, ' ', substr_count($output, ' refreshed '), "\n";
show_command(['history', '--since=' . gmdate('Y-m-d\TH:i\Z', (int) $at(-20)), $file], $settings);
list($code, $output) = wx_token(['history', "--log=$directory/none.log", $file]);
echo substr(steady($output), strpos(steady($output), '  - ')), "exit code $code\n";
exec('mkfifo ' . escapeshellarg("$directory/fifo.log"));
list($code, $output) = wx_token(['history', "--log=$directory/fifo.log", $file]);
echo substr(steady($output), strpos(steady($output), '  - ')), "exit code $code\n";
show_command(['history', $file]);
show_command(['history', $file], ['wx_token.log' => 'syslog']);
show_command(['history', '--log=syslog', $file]);

echo "-- an hour that is still to come is yesterday's\n";
list(, $output) = wx_token(['history', '--json', '--since=' . gmdate('H:i', time() + 120), $file], $settings);
$ago = time() - strtotime(json_decode($output, true)['since']);
echo $ago <= 86400 && $ago > 86400 - 180 ? 'yesterday' : $ago, "\n";

echo "-- another program writes the file, or it only seems so\n";
$sums = static function (array $lines, $since = '1h') use ($directory, $file) {
    file_put_contents("$directory/sums.log", implode('', $lines));
    list($code, $output) = wx_token(['history', '--json', "--since=$since", "--log=$directory/sums.log", $file]);
    return json_decode($output, true)['sums'] + ['code' => $code];
};
$before = time() - 1000;
$ours = refreshed_line($before, $file, '', '0000000a');
$theirs = refreshed_line($before + 300, $file, '0000000f', '0000000b', ['foreign' => true]);
$displaced = static function ($moment) use ($page, $file) {
    return log_line($moment, 'displaced', $page + ['old' => '0000000a', 'new' => '0000000e', 'pid' => 4321]);
};
$other = str_replace('"pid":4321', '"pid":4322', $theirs);
foreach ([
    'a migration' => [$theirs],
    'ours, as a process without records sees it' => [$ours, refreshed_line($before + 300, $file, '0000000a', '0000000b', ['foreign' => true])],
    'after ours' => [$ours, $theirs],
    'after ours, which was adopted' => [str_replace('refreshed', 'adopted', $ours), $theirs],
    'after ours, which was stored later' => [str_replace('refreshed', 'stored', $ours), $theirs],
    'after ours, which is older than the time that is shown' => [refreshed_line(time() - 7000, $file, '', '0000000a'), $theirs],
    'displaced, and refreshed by the same call' => [$ours, $displaced($before + 299.9), $theirs],
    'displaced, and refreshed by a later call' => [$ours, $displaced($before + 100), $theirs],
    'displaced, and refreshed by another process' => [$ours, $displaced($before + 299.9), $other],
    'displaced, and refreshed by another host' => [$ours, $displaced($before + 299.9), str_replace('"pid"', '"host":"web2","pid"', $theirs)],
] as $case => $lines) {
    echo "$case: ", $sums($lines)['foreign'], "\n";
}
file_put_contents("$directory/sums.log", $theirs);
list($code, $output) = wx_token(['history', "--log=$directory/sums.log", $file]);
echo 'a migration: ', strpos($output, 'another program') === false ? 'is not blamed' : $output, ", exit code $code\n";

echo "-- a token that could not be stored is valid, and so is one that was stored later\n";
$now = time();
foreach (['not_stored', 'stored'] as $event) {
    $hour = static function ($hours) use ($now) {
        return $now - $hours * 3600;
    };
    $valid = log_line($hour(4.5), $event, $page + ['new' => '00000002', 'expires_at' => log_time($hour(2.5)), 'pid' => 1]);
    echo "$event: ", $sums([refreshed_line($hour(6), $file, '', '00000001'), $valid, refreshed_line($hour(3), $file, '00000002', '00000003')], '9h')['without_token_s'],
        ', too late: ', (int) $sums([refreshed_line($hour(7.5), $file, '', '00000001'), $valid], '9h')['without_token_s'], "\n";
}
echo 'found: ', $sums([log_line(time() - 100, 'stored', $page + ['new' => '00000002', 'pid' => 1])])['code'], "\n";

echo "-- the host, where there are several\n";
$on = static function ($host, $moment) use ($file) {
    return refreshed_line($moment, $file, '', '00000001', ['host' => $host]);
};
foreach ([['web1', 'web1'], ['web1', "web\x1b2"]] as $hosts) {
    file_put_contents("$directory/hosts.log", $on($hosts[0], $before) . $on($hosts[1], $before + 1));
    list(, $output) = wx_token(['history', "--log=$directory/hosts.log", $file]);
    preg_match_all('/^.* refreshed .*00000001 +(.*?);|^  - (events of.*)/m', $output, $shown);
    echo implode("\n", array_map('implode', array_map(null, $shown[1], $shown[2]))), "\n";
}
list(, $output) = wx_token(['history', '--json', "--log=$directory/hosts.log", $file]);
$history = json_decode($output, true);
echo json_encode($history['sums']['hosts']), ' ', implode(' ', array_slice(array_keys($history['events'][0]), -4)), "\n";

echo "-- each event is known wherever the log is written or read\n";
$root = dirname(realpath(__DIR__ . '/../../php'));
require_once "$root/php/src/Polyfill/Log.php";
require_once "$root/php/src/Command/LogLine.php";
preg_match_all('/^\| `(\w+)` \| (error|warning|notice|info) \|/m', file_get_contents("$root/docs/operating.md"), $rows);
$documented = array_combine($rows[1], $rows[2]);
preg_match('/^const LEVELS = \[(.*?)\];/ms', file_get_contents("$root/php/status.php"), $page_levels);
preg_match_all("/'(\w+)' => '(\w+)'/", $page_levels[1], $rows);
$polyfill = (new ReflectionClass('WxToken\Polyfill\Log'))->getConstant('EVENTS');
$differences = [
    'command' => array_merge(array_diff(WxToken\Command\LogLine::EVENTS, array_keys($documented)), array_diff(array_keys($documented), WxToken\Command\LogLine::EVENTS)),
    'page' => array_keys(array_diff_assoc($documented, array_combine($rows[1], $rows[2])) + array_diff_assoc(array_combine($rows[1], $rows[2]), $documented)),
    // It has no shared store.
    'polyfill' => array_keys(array_diff_assoc(array_diff_key($documented, ['adopted' => 1]), $polyfill) + array_diff_assoc($polyfill, $documented)),
];
echo count($documented) > 8 ? '' : 'no table', json_encode($differences), "\n";

echo "-- a quiet day\n";
file_put_contents("$directory/good.log", refreshed_line(time() - 7000, $file, '00000001', '00000002') . refreshed_line(time() - 100, $file, '00000002', '00000003'));
list($code, $output) = wx_token(['history', "--log=$directory/good.log", $file]);
echo "exit code $code\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('007-history'); ?>
--EXPECT--
$ wx-token history --since=MOMENT 007-history/token.json
TIME (UTC)           EVENT         TOOK      TOKEN              BY, AND WHAT ELSE
DATE TIME  refreshed     213 ms    00000001>00000002  fpm-fcgi 4321 /srv/site/index.php; valid until TIME
DATE TIME  refreshed     213 ms    00000002>00000003  fpm-fcgi 4321 /srv/site/index.php; valid until TIME
DATE TIME  failed        8003 ms                      cli 77 /srv/site/cron.php; errcode 40164 invalid ip 1.2.3.4\u{1b}]0;owned\u{7}\n, not in whitelist; failure 2 in a row; next attempt at TIME; 3 requests
  -- no valid token for 30 min --
DATE TIME  refreshed     213 ms    00000003>00000004  fpm-fcgi 4321 /srv/site/index.php; valid until TIME
DATE TIME  refreshed     213 ms    99999999>00000005  fpm-fcgi 4321 /srv/site/index.php; the old token was written by another program; valid until TIME
DATE TIME  displaced               00000005>00000006  cli 77 /srv/site/cron.php
DATE TIME  rejected                00000005>00000007  cli 77 /srv/site/cron.php
DATE TIME  adopted                 00000007>00000008  cli 77 /srv/site/cron.php; valid until TIME
DATE TIME  lock_timeout  10 s                         cli 77 /srv/site/cron.php; process 5 held the lock
DATE TIME  not_stored    100 ms                       cli 77 /srv/site/cron.php; No space left on device
DATE TIME  interrupted                                cli 77 /srv/site/cron.php
DATE TIME  refreshed     213 ms    00000008>00000009  fpm-fcgi 4321 /srv/site/index.php; ticket jsapi; valid until TIME

007-history/token.json since DATE TIME (UTC):
  - 5 refreshes, a fetch took 1309 ms on average, 8003 ms at most
  - 1 token of other servers, from the shared store
  - 1 call waited for another one's refresh
  - no call waited longer than 10 s
  - 1 failure: 1 x errcode 40164
  - 1 call did not acquire the lock in time
  - 1 token could not be stored
  - 1 refresh ended with the process, before the token was stored
  - 1 token rejected by an API of WeChat
  - another program writes this file: seen 2 times, last at DATE TIME. Find it, and let it call wx_get_token()
  - no valid token for 30 min in all (no call came, or refreshes failed)
  - left out: 3 broken lines, 4 lines of other programs
exit code 1
-- from before, with the calls that waited, and for another path of the file
6 1 with the packed log
-- nothing acts on a terminal
fits, only ours: true true
-- JSON
1 file log since events sums 12
{"events":{"refreshed":5,"adopted":1,"stored":0,"failed":1,"not_stored":1,"rejected":1,"displaced":1,"interrupted":1,"lock_timeout":1,"waited":1},"failures":{"errcode 40164":1},"scripts":{"/srv/site/index.php":5},"hosts":[],"foreign":2,"average_fetch_ms":1309,"longest_fetch_ms":8003,"longest_wait_ms":10000,"without_token_s":1800,"logs":["007-history/wx.log.2.gz","007-history/wx.log.1","007-history/wx.log"],"unread":[],"broken_lines":3,"lines_of_others":4}
time event level file appid endpoint requests fetch_ms waited_ms errcode message retry_at failures pid sapi script
-- the standard input, an empty history, and a log that is not there
0 1
$ wx-token history --since=MOMENT 007-history/token.json
007-history/token.json since DATE TIME (UTC):
  - 0 refreshes
  - the log has no event of this file
  - left out: 1 broken line
exit code 1
  - 0 refreshes
  - cannot read the log 007-history/none.log: No such file or directory
exit code 2
  - 0 refreshes
  - cannot read the log 007-history/fifo.log: it is no file
exit code 2
$ wx-token history 007-history/token.json
stderr: wx-token: there is no log: wx_token.log is empty. Set it in php.ini, or name a log: --log=LOG
exit code 2
$ wx-token history 007-history/token.json
stderr: wx-token: the log goes to syslog. Run journalctl -t wx_token -o cat | wx-token history --log=- '007-history/token.json', or name the file into which syslog writes: --log=/var/log/syslog
exit code 2
$ wx-token history --log=syslog 007-history/token.json
stderr: wx-token: the log goes to syslog. Run journalctl -t wx_token -o cat | wx-token history --log=- '007-history/token.json', or name the file into which syslog writes: --log=/var/log/syslog
exit code 2
-- an hour that is still to come is yesterday's
yesterday
-- another program writes the file, or it only seems so
a migration: 0
ours, as a process without records sees it: 0
after ours: 1
after ours, which was adopted: 1
after ours, which was stored later: 1
after ours, which is older than the time that is shown: 1
displaced, and refreshed by the same call: 1
displaced, and refreshed by a later call: 2
displaced, and refreshed by another process: 2
displaced, and refreshed by another host: 2
a migration: is not blamed, exit code 0
-- a token that could not be stored is valid, and so is one that was stored later
not_stored: 0, too late: 3600
stored: 0, too late: 3600
found: 0
-- the host, where there are several
fpm-fcgi 4321 /srv/site/index.php
fpm-fcgi 4321 /srv/site/index.php
web1 fpm-fcgi 4321 /srv/site/index.php
web\u{1b}2 fpm-fcgi 4321 /srv/site/index.php
events of 2 hosts: 1 x web1, 1 x web\u{1b}2
{"web1":1,"web\\u{1b}2":1} host pid sapi script
-- each event is known wherever the log is written or read
{"command":[],"page":[],"polyfill":[]}
-- a quiet day
exit code 0
