--TEST--
The status page reads the log from its end and the rotated one before it, leaves out what is broken, waits for no FIFO, and tells who else writes
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/page.inc';
$site = new Site('log', ['files' => []]);
$directory = $site->directory;
unset($site);
mkdir("$directory/logs", 0755, true);
chmod($directory, 0755);
$token = "$directory/token.json";
$log = "$directory/logs/log";
$now = time();
write_token($token, $now + 5000);

/** What the page tells of the log, in one line. */
function show(string $what, Site $site): array
{
    $begin = microtime(true);
    $page = $site->get('lang=en')->body;
    $json = json_decode($site->get('format=json')->body, true);
    preg_match('~<p class="note info">(.*?)</p>~s', $page, $note);
    $day = array_filter($json['files'][0]['last_day']);
    echo "$what: ", json_encode($day), ', ', $json['files'][0]['last_refresh']['script'] ?? 'nobody', ', ', preg_replace('~/tmp/\S*(?=/log)|\d\d:\d\d:\d\d~', '…', strip_tags($note[1] ?? 'no note')), "\n";
    if (microtime(true) - $begin > 10) {
        echo "it took long\n";
    }
    return $json;
}

$site = new Site('log', ['files' => [$token]]);
show('no log', $site);
unset($site);
mkdir("$directory/logs", 0755, true);
write_token($token, $now + 5000);

// As `log` of the page: the extension itself writes nothing that is not its own.
$site = new Site('log', ['files' => [$token], 'log' => $log]);
$restore = static function () use ($directory, $token, $now) {
    is_dir("$directory/logs") || mkdir("$directory/logs", 0755, true);
    write_token($token, $now + 5000);
};
show('none yet', $site);
$refreshed = static function (float $ago, string $script, array $more = []) use ($now, $token): string {
    return log_line($now - $ago, 'refreshed', $token, $more + ['new' => '12345678', 'expires_at' => rfc3339_of($now + 5000), 'pid' => 7, 'sapi' => 'cli', 'script' => $script]);
};
file_put_contents($log, '');
show('empty', $site);
file_put_contents($log, $refreshed(100, '/new.php'));
show('one', $site);
file_put_contents("$log.1", $refreshed(90000, '/older.php') . $refreshed(5000, '/old.php'));
show('and the rotated one', $site);
file_put_contents($log, '');
show('rotated just now', $site);

echo "-- broken lines\n";
$whole = $refreshed(100, '/new.php');
$good = json_decode($whole, true);
$odd = [
    'no JSON', '{', '[]', 'null', '{}', '{"time":"x","event":"refreshed","file":"x"}', json_encode(['time' => 7] + $good), json_encode(['file' => ['x']] + $good),
    json_encode(['event' => null] + $good), json_encode(['time' => '2026-02-30T99:99:99Z'] + $good), json_encode(['time' => rfc3339_of($now + 9e6)] + $good),
    str_repeat('x', 100000), substr($whole, 0, 90), "\0\0\0", "\xff\xfe", str_repeat('[', 500) . str_repeat(']', 500), str_repeat('{"a":', 500) . '1' . str_repeat('}', 500),
];
file_put_contents($log, implode("\n", $odd) . "\n\n" . $whole . substr($refreshed(1, '/half.php'), 0, -20));
unlink("$log.1");
$json = show('all of them', $site);
echo 'broken: ', $json['log']['broken_lines'] - count($odd), " more than there are\n";
file_put_contents($log, json_encode(['script' => ['x'], 'pid' => '7', 'sapi' => 1.5, 'new' => null, 'fetch_ms' => 'long', 'expires_at' => 'never', 'foreign' => 'yes'] + $good) . "\n"
    . json_encode(['event' => 'of_a_later_version'] + $good) . "\n");
show('odd members', $site);
file_put_contents($log, 'Nov 30 14:00:00 host wx_token[7]: ' . $whole);
show('of a syslog', $site);
file_put_contents($log, $refreshed(10, '/new.php') . $refreshed(100, '/earlier.php'));
show('out of order', $site);

echo "-- another program\n";
$other = log_line($now - 9000, 'refreshed', "$directory/other.json", ['new' => 'bbbbbbbb']);
$ours = static function (float $ago, string $new, array $more = []) use ($now, $token): string {
    return log_line($now - $ago, 'refreshed', $token, $more + ['fetch_ms' => 100, 'waited_ms' => 120, 'old' => 'aaaaaaaa', 'new' => $new, 'host' => 'web1', 'pid' => 7]);
};
$displaced = static function (float $ago, array $more = []) use ($now, $token): string {
    return log_line($now - $ago, 'displaced', $token, $more + ['new' => 'cccccccc', 'host' => 'web1', 'pid' => 7]);
};
$foreign = ['foreign' => true];
$cases = [
    'a migration' => $ours(7000, '11111111', $foreign),
    'a migration, after what says nothing of the file' => $other . log_line($now - 8000, 'failed', $token, ['message' => 'no']) . $ours(7000, '11111111', $foreign),
    'later' => $ours(7000, '11111111', $foreign) . $ours(100, '22222222', $foreign),
    'later, from two days ago on' => $ours(170000, '11111111') . $ours(100, '22222222', $foreign),
    'after one from a store' => log_line($now - 7000, 'adopted', $token, ['new' => '11111111']) . $ours(100, '22222222', $foreign),
    'after one stored late' => log_line($now - 7000, 'stored', $token, ['new' => '11111111']) . $ours(100, '22222222', $foreign),
    'the token of the polyfill' => $ours(7000, 'aaaaaaaa') . $ours(100, '22222222', $foreign),
    'the same, of another file' => str_replace('bbbbbbbb', 'aaaaaaaa', $other) . $ours(7000, '11111111') . $ours(100, '22222222', $foreign),
    'a token that callers found' => $ours(7000, '11111111') . log_line($now - 3000, 'rejected', $token, ['old' => '11111111', 'new' => 'aaaaaaaa']) . $ours(100, '22222222', $foreign),
    'displaced' => $displaced(3000),
    'displaced, and refreshed at once' => $ours(7000, '11111111') . $displaced(3000) . $ours(2995, '22222222', $foreign + ['waited_ms' => 5300]),
    'the same in the background' => $ours(7000, '11111111') . $displaced(3000) . log_line($now - 2995, 'refreshed', $token, $foreign + ['fetch_ms' => 4900, 'host' => 'web1', 'pid' => 7]),
    'displaced, and refreshed later' => $ours(7000, '11111111') . $displaced(3000) . $ours(1000, '22222222', $foreign),
    'displaced, and refreshed by another process' => $ours(7000, '11111111') . $displaced(3000, ['pid' => 8]) . $ours(2995, '22222222', $foreign + ['waited_ms' => 5300]),
    'displaced, and refreshed on another machine' => $ours(7000, '11111111') . $displaced(3000, ['host' => 'web2']) . $ours(2995, '22222222', $foreign + ['waited_ms' => 5300]),
];
foreach ($cases as $what => $lines) {
    file_put_contents($log, $lines);
    preg_match('~<li class="warn">Another program writes this file: seen at (\S+)\.~', $site->get('lang=en')->body, $seen);
    $ago = isset($seen[1]) ? $now - strtotime("$seen[1] UTC", $now) : null;
    $file = json_decode($site->get('format=json')->body, true)['files'][0];
    echo "$what: ", $file['level'], ', ', $file['last_day']['writes_of_others'], $ago === null ? '' : ', the last one ' . ($ago < 0 ? $ago + 86400 : $ago) . ' s ago', "\n";
}

echo "-- a long one\n";
$handle = fopen($log, 'w');
// As long as any other, whatever the name of the directory.
$line = log_line($now - 50, 'waited', $token, ['waited_ms' => 12345, 'message' => str_repeat('x', 3100 - strlen($token))]);
fwrite($handle, $refreshed(60, '/lost.php'));
for ($i = 0; $i < 20000; $i++) {
    fwrite($handle, $line);
}
fwrite($handle, $refreshed(40, '/new.php'));
fclose($handle);
file_put_contents("$log.1", $refreshed(70, '/lost too.php'));
printf("%d MB\n", filesize($log) / 1e6);
$json = show('the end of it', $site);
var_dump($json['log']['broken_lines']);
unlink($log);

echo "-- no file\n";
mkdir($log);
show('a folder', $site);
rmdir($log);
exec('mkfifo ' . escapeshellarg($log));
show('a FIFO', $site);
unlink($log);
unlink("$log.1");
exec('mkfifo ' . escapeshellarg("$log.1"));
show('a FIFO, rotated', $site);
rename("$directory/logs", "$directory/elsewhere");
show('no folder', $site);
unset($site);
?>
--EXPECT--
no log: [], nobody, No log: nobody can say who refreshed, and when. Set wx_token.log = /var/log/wx_token.log in php.ini.
none yet: [], nobody, no note
empty: [], nobody, no note
one: {"refreshed":1}, /new.php, no note
and the rotated one: {"refreshed":2}, /new.php, no note
rotated just now: {"refreshed":1}, /old.php, no note
-- broken lines
all of them: {"refreshed":1}, /new.php, Lines of the log that are not events of wx_token, and were left out: 17.
broken: 0 more than there are
odd members: {"refreshed":1}, nobody, no note
of a syslog: {"refreshed":1}, /new.php, no note
out of order: {"refreshed":2}, /new.php, no note
-- another program
a migration: ok, 0
a migration, after what says nothing of the file: ok, 0
later: warn, 1, the last one 100 s ago
later, from two days ago on: warn, 1, the last one 100 s ago
after one from a store: warn, 1, the last one 100 s ago
after one stored late: warn, 1, the last one 100 s ago
the token of the polyfill: ok, 0
the same, of another file: warn, 1, the last one 100 s ago
a token that callers found: warn, 1, the last one 100 s ago
displaced: warn, 1, the last one 3000 s ago
displaced, and refreshed at once: warn, 1, the last one 3000 s ago
the same in the background: warn, 1, the last one 3000 s ago
displaced, and refreshed later: warn, 2, the last one 1000 s ago
displaced, and refreshed by another process: warn, 2, the last one 2995 s ago
displaced, and refreshed on another machine: warn, 2, the last one 2995 s ago
-- a long one
64 MB
the end of it: {"refreshed":1,"waited":1306,"longest_wait_ms":12345}, /new.php, The log is long: this page shows what happened since ….
int(0)
-- no file
a folder: {"refreshed":1}, /lost too.php, The log is not a regular file: …/log
a FIFO: {"refreshed":1}, /lost too.php, The log is not a regular file: …/log
a FIFO, rotated: [], nobody, no note
no folder: [], nobody, The folder of the log does not exist, or PHP may not enter it: …/log
