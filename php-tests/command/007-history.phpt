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
{"events":{"refreshed":5,"adopted":1,"failed":1,"not_stored":1,"rejected":1,"displaced":1,"interrupted":1,"lock_timeout":1,"waited":1},"failures":{"errcode 40164":1},"scripts":{"/srv/site/index.php":5},"foreign":2,"average_fetch_ms":1309,"longest_fetch_ms":8003,"longest_wait_ms":10000,"without_token_s":1800,"logs":["007-history/wx.log.1","007-history/wx.log"],"unread":[],"broken_lines":3,"lines_of_others":4}
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
stderr: wx-token: there is no log: wx_token.log is empty. Set it in php.ini, or name the file into which syslog writes: --log=/var/log/syslog
exit code 2
$ wx-token history 007-history/token.json
stderr: wx-token: there is no log: wx_token.log is "syslog". Set it in php.ini, or name the file into which syslog writes: --log=/var/log/syslog
exit code 2
-- a quiet day
exit code 0
