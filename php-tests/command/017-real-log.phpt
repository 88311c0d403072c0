--TEST--
wx-token history reads what the functions have logged: refreshes, failures, and calls that waited
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('017-log');
$file = "$directory/token.json";
$emulator = command_emulator();
$settings = emulated($emulator) + ['wx_token.log' => "$directory/wx.log"];
wx_token(['get', $file], $settings);
emulator_control($emulator, 'POST', 'script', '[{"errcode":40164,"errmsg":"invalid ip 1.2.3.4"}]');
file_put_contents($file, json_encode(['access_token' => 'written-by-another-program', 'expire' => time() - 5]));
wx_token(['warm', $file], $settings);
$state = json_decode(file_get_contents($file), true);
unset($state['wx_token']);
file_put_contents($file, json_encode($state));
emulator_control($emulator, 'PATCH', 'options', '{"latency_ms":1000}');
$other = proc_open(command_words(['get', $file], $settings), [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes);
wait_until(static function () use ($emulator) {
    return emulator_control($emulator, 'GET', 'stats')['in_flight'] > 0;
});
wx_token(['get', $file], $settings);
proc_close($other);

list($code, $output) = wx_token(['history', '--json', '--waits', $file], $settings);
$history = json_decode($output, true);
$script = dirname(__DIR__, 2) . '/php/bin/wx-token';
// The last two processes end at the same time.
$events = $history['events'];
usort($events, static function ($one, $other) {
    return strcmp($one['event'], $other['event']);
});
foreach ($events as $event) {
    echo $event['event'], ' ', $event['sapi'], ' ', $event['script'] === $script ? 'wx-token' : $event['script'], ' ', isset($event['errcode']) ? $event['errcode'] : '', "\n";
}
echo $code, ' ', $history['sums']['broken_lines'] + $history['sums']['lines_of_others'], ' fetches: ', emulator_fetches($emulator), ' = ',
    $history['sums']['events']['refreshed'] + $history['sums']['events']['failed'], "\n";
list(, $token) = wx_token(['get', $file], $settings);
$last = array_values(array_filter($history['events'], static function ($event) {
    return $event['event'] === 'refreshed';
}))[1];
echo json_encode($last['new'] === substr(hash('sha256', trim($token)), 0, 8)), "\n";
list(, $output) = wx_token(['doctor', '--json', '--user=root', $file], $settings);
$findings = array_column(json_decode($output, true)['findings'], null, 'check');
echo steady("log: {$findings['log']['verdict']}: {$findings['log']['text']}"), "\n";
// Who wrote a token stands in an attribute, which the polyfill cannot read.
echo json_encode([$history['sums']['foreign'], $findings['writers']['verdict']] === (getenv('WX_TOKEN_POLYFILL') ? [0, 'ok'] : [1, 'problem'])), "\n";
list(, $output) = wx_token(['status', '--prometheus', $file], $settings);
preg_match_all('/^wx_token_(?:exposed|log_writable).*/m', $output, $metrics);
echo steady(implode("\n", $metrics[0])), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('017-log'); ?>
--EXPECT--
failed cli wx-token 40164
refreshed cli wx-token 
refreshed cli wx-token 
waited cli wx-token 
1 0 fetches: 3 = 3
true
log: ok: root may write 017-log/wx.log
true
wx_token_exposed{file="017-log/token.json"} 0
wx_token_log_writable 1
