--TEST--
wx-token warm: refreshes what is due, once, waits for it and for others, and says what it did
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('006-warm');
$emulator = command_emulator(['--latency', '100']);
$settings = emulated($emulator) + ['wx_token.background' => '1'];
$warm = static function (array $arguments, array $more = []) use ($emulator, $settings) {
    $before = emulator_fetches($emulator);
    list($code, $output, $said) = wx_token(array_merge(['warm'], $arguments), $more + $settings);
    $output = preg_replace(['/ \(\d+ ms\)/', '/\bin (?:\d+ (?:h|min|s) ?)+\b/'], ['', 'in SPAN'], steady($output));
    echo preg_replace('/(?<=\S) {2,}/', '  ', $output), $said, 'fetches: ', emulator_fetches($emulator) - $before, ", exit code $code\n";
};
$token = static function ($name) use ($directory) {
    return json_decode(file_get_contents("$directory/$name.json"), true)['access_token'];
};

echo "-- fresh, due, expired, missing\n";
write_command_token("$directory/fresh.json", 7000);
write_command_token("$directory/due.json", 100);
write_command_token("$directory/expired.json", -100);
$files = ["$directory/fresh.json", "$directory/due.json", "$directory/expired.json", "$directory/missing.json"];
$warm($files);
echo json_encode($token('fresh') === 'not-to-be-shown'), ' ', json_encode($token('due') !== 'not-to-be-shown'), "\n";
$warm($files);
echo "-- --refresh-ahead makes it due\n";
$warm(['--refresh-ahead=7200', "$directory/fresh.json"]);
echo "-- WeChat still gives the same token: no failure\n";
ob_start();
$warm(['--refresh-ahead=7201', "$directory/due.json"]);
echo preg_replace('/fetches: [01], /', '', ob_get_clean());
echo "-- --quiet says only what went wrong, --json all\n";
$warm(['--quiet', "$directory/fresh.json"]);
list($code, $output) = wx_token(['warm', '--json', "$directory/fresh.json"], $settings);
echo implode(' ', array_keys(json_decode($output, true))), ' ', json_decode($output, true)['did'], "\n";

echo "-- a failure while the token is valid, and within its pause\n";
emulator_control($emulator, 'POST', 'script', '[{"errcode":40164,"errmsg":"invalid ip 1.2.3.4"}]');
write_command_token("$directory/due.json", 100);
$warm(["$directory/due.json"]);
$warm(["$directory/due.json"]);
echo "-- a failure without a token, and what cannot be used\n";
emulator_control($emulator, 'POST', 'script', '[{"errcode":40125,"errmsg":"invalid appsecret"}]');
$warm(["$directory/none.json"]);
file_put_contents("$directory/bad.json", 'no token file');
$warm(["$directory/bad.json", "$directory/fresh.json"]);

echo "-- one path that cannot be a token file's does not stop the others\n";
$warm(['/nowhere/d/', "$directory/fresh.json"]);

echo "-- a refresh that another process has begun is waited for\n";
emulator_control($emulator, 'POST', 'forget');
emulator_control($emulator, 'PATCH', 'options', '{"latency_ms":1500}');
write_command_token("$directory/shared.json", 100);
$other = proc_open(command_words(['warm', "$directory/shared.json"], $settings), [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes);
wait_until(static function () use ($emulator) {
    return emulator_control($emulator, 'GET', 'stats')['in_flight'] > 0;
});
$warm(["$directory/shared.json"]);
echo json_encode($token('shared') !== 'not-to-be-shown'), ' ', array_sum(emulator_control($emulator, 'GET', 'stats')['fetches']), "\n";
proc_close($other);
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('006-warm'); ?>
--EXPECT--
-- fresh, due, expired, missing
fresh  006-warm/fresh.json: expires in SPAN
refreshed  006-warm/due.json: expires in SPAN (N ms)
refreshed  006-warm/expired.json: expires in SPAN (N ms)
refreshed  006-warm/missing.json: expires in SPAN (N ms)
fetches: 3, exit code 0
true true
fresh  006-warm/fresh.json: expires in SPAN
fresh  006-warm/due.json: expires in SPAN
fresh  006-warm/expired.json: expires in SPAN
fresh  006-warm/missing.json: expires in SPAN
fetches: 0, exit code 0
-- --refresh-ahead makes it due
refreshed  006-warm/fresh.json: expires in SPAN (N ms)
fetches: 1, exit code 0
-- WeChat still gives the same token: no failure
unchanged  006-warm/due.json: WeChat gives the same token for now; it expires in SPAN (N ms)
exit code 0
-- --quiet says only what went wrong, --json all
fetches: 0, exit code 0
file did code message took_ms expires_at fresh
-- a failure while the token is valid, and within its pause
failed  006-warm/due.json: errcode 40164, invalid ip 1.2.3.4. Add 1.2.3.4 to the account's IP whitelist (failed at TIME, next attempt in SPAN); its old token expires in SPAN (N ms)
fetches: 1, exit code 1
paused  006-warm/due.json: errcode 40164, invalid ip 1.2.3.4. Add 1.2.3.4 to the account's IP whitelist (failed at TIME, next attempt in SPAN); its old token expires in SPAN (N ms)
fetches: 0, exit code 1
-- a failure without a token, and what cannot be used
failed  cannot refresh 006-warm/none.json: WeChat answered errcode 40125 (invalid appsecret). Check the AppSecret: perhaps it was reset in WeChat's console; next attempt in SPAN, or at once with another appid or secret (N ms)
fetches: 1, exit code 1
failed  cannot use 006-warm/bad.json: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged (N ms)
fresh  006-warm/fresh.json: expires in SPAN
fetches: 0, exit code 2
-- one path that cannot be a token file's does not stop the others
failed  /nowhere/d/: the file must name a file, not a directory (N ms)
fresh  006-warm/fresh.json: expires in SPAN
fetches: 0, exit code 2
-- a refresh that another process has begun is waited for
refreshed  006-warm/shared.json: expires in SPAN (N ms)
fetches: 0, exit code 0
true 1
