--TEST--
wx-token status: every state as a table, as JSON, and as an exit code; never a token
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('002-status');
$failure = ['errcode' => 40164, 'errmsg' => 'invalid ip 1.2.3.4, not in whitelist', 'failed_at_ms' => time() * 1000,
    'retry_at_ms' => time() * 1000 + 90000, 'failures' => 2];
write_command_token("$directory/fresh.json", 7200 + 50);
write_command_token("$directory/due.json", 200);
write_command_token("$directory/expired.json", -400);
write_command_token("$directory/ahead.json", 86400 * 90 + 7200);
write_command_token("$directory/failed.json", 3600 + 30, ['wx_token' => $failure]);
file_put_contents("$directory/damaged.json", '{"access_token":"not-to-be-shown');
file_put_contents("$directory/bad.json", 'not-to-be-shown');
write_command_token("$directory/中文令牌.json", 7200 + 50);
write_command_token("$directory/\x1b[2J\n\xff.json", 7200 + 50);
$files = ['fresh', 'due', 'expired', 'ahead', 'failed', 'damaged', 'bad', 'missing', '中文令牌', "\x1b[2J\n\xff", 'nowhere/token'];
foreach ($files as $name) {
    list($code, $output, $said) = wx_token(['status', "$directory/$name.json"]);
    $spans = ['/\b\d+ (?:h|min|s)\b(?: \d+ (?:min|s))?/' => 'SPAN', '/(?<=\S) {2,}/' => '  '];
    echo preg_replace(array_keys($spans), $spans, steady($output)), $said, "exit code $code\n";
}
list($code, $output) = wx_token(array_merge(['status', '--json'], array_map(static function ($name) use ($directory) {
    return "$directory/$name.json";
}, $files)));
$statuses = json_decode($output, true);
echo $code, ' ', substr_count($output, "\n"), ' ', implode(' ', array_column($statuses, 'state')), "\n";
echo steady($statuses[9]['file']), ' ', $statuses[4]['failure']['errcode'], "\n";

echo "-- a table of all is aligned, wide characters or not\n";
list($code, $output, $said) = wx_token(array_merge(['status'], array_map(static function ($name) use ($directory) {
    return "$directory/$name.json";
}, $files)));
preg_match_all('~^(?:\w+ .*?)(?=/)~m', $output, $starts);
echo count(array_unique(array_map('strlen', $starts[0]))), ' ', count($starts[0]), " exit code $code\n";

echo "-- one path that cannot be a token file's does not stop the others\n";
list($code, $output, $said) = wx_token(['status', '/nowhere/d/', "$directory/fresh.json"]);
echo preg_replace(array_keys($spans), $spans, steady($output)), $said, "exit code $code\n";
list($code, $output, $said) = wx_token(['status', '--json', '/nowhere/d/', "$directory/fresh.json"]);
list($bad, $good) = json_decode($output, true);
echo $bad['file'], ' ', $bad['error'], ', ', $good['state'], ', ', array_keys($bad) === array_keys($good) ? 'the same keys' : 'other keys', ", exit code $code\n";

echo "-- what others may read is a warning\n";
chmod($directory, 0755);
chmod("$directory/fresh.json", 0644);
list($code, $output) = wx_token(['status', "$directory/fresh.json"]);
echo preg_replace(array_keys($spans), $spans, steady($output)), "exit code $code\n";
chmod($directory, 0700);

echo "-- where times are read\n";
list(, $utc) = wx_token(['status', "$directory/failed.json"], ['date.timezone' => 'UTC']);
list(, $shanghai) = wx_token(['status', "$directory/failed.json"], [], ['TZ' => 'Asia/Shanghai']);
preg_match('/failed at (?:[\d-]+ )?(\d\d)/', $utc, $here);
preg_match('/failed at (?:[\d-]+ )?(\d\d)/', $shanghai, $there);
echo ($there[1] - $here[1] + 24) % 24, "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('002-status'); ?>
--EXPECT--
STATE  EXPIRES  REFRESH  FILE
fresh  in SPAN  in SPAN  002-status/fresh.json
exit code 0
STATE  EXPIRES  REFRESH  FILE
due  in SPAN  at the next call  002-status/due.json
exit code 1
STATE  EXPIRES  REFRESH  FILE
expired  SPAN ago  at the next call  002-status/expired.json
exit code 1
STATE  EXPIRES  REFRESH  FILE
expired  in 90 d SPAN  at the next call  002-status/ahead.json
  - its expiry is more than a day away, and WeChat gives two hours: a clock that was ahead has written it. It counts as expired
exit code 1
STATE  EXPIRES  REFRESH  FILE
fresh  in SPAN  in SPAN  002-status/failed.json
  - errcode 40164, invalid ip 1.2.3.4, not in whitelist. Add 1.2.3.4 to the account's IP whitelist (2 failures in a row; failed at TIME, next attempt in SPAN)
exit code 1
STATE  EXPIRES  REFRESH  FILE
damaged  at the next call  002-status/damaged.json
exit code 1
STATE  EXPIRES  REFRESH  FILE
unusable  002-status/bad.json
  - cannot use 002-status/bad.json: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged
exit code 2
STATE  EXPIRES  REFRESH  FILE
missing  at the next call  002-status/missing.json
exit code 1
STATE  EXPIRES  REFRESH  FILE
fresh  in SPAN  in SPAN  002-status/中文令牌.json
exit code 0
STATE  EXPIRES  REFRESH  FILE
fresh  in SPAN  in SPAN  002-status/\u{1b}[2J\n\xff.json
exit code 0
STATE  EXPIRES  REFRESH  FILE
missing  002-status/nowhere/token.json
  - cannot create 002-status/nowhere/token.json: the directory 002-status/nowhere does not exist. Create it, or pass another path
exit code 2
2 1 fresh due expired expired fresh damaged unusable missing fresh fresh missing
002-status/\u{1b}[2J\n\xff.json 40164
-- a table of all is aligned, wide characters or not
1 11 exit code 2
-- one path that cannot be a token file's does not stop the others
STATE  EXPIRES  REFRESH  FILE
unusable  /nowhere/d/
  - the file must name a file, not a directory
fresh  in SPAN  in SPAN  002-status/fresh.json
exit code 2
/nowhere/d/ the file must name a file, not a directory, fresh, the same keys, exit code 2
-- what others may read is a warning
STATE  EXPIRES  REFRESH  FILE
fresh  in SPAN  in SPAN  002-status/fresh.json
  - every user of this machine can read it (mode 0644). Run chmod o-rwx 002-status/fresh.json
exit code 1
-- where times are read
8
