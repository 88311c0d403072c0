--TEST--
wx-token history: a log that is larger than PHP's memory is read from where the time begins
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
require __DIR__ . '/log.inc';
$directory = command_directory('008-large');
$file = "$directory/token.json";
$log = "$directory/wx.log";
$began = time() - 100 * 86400;
$out = fopen($log, 'w');
for ($lines = 0; ftell($out) < 48 * 1048576; $lines++) {
    $part = '';
    for ($i = 0; $i < 1000; $i++, $lines++) {
        $part .= refreshed_line($began + $lines * 50, $lines % 100 === 0 ? $file : '/srv/other.json', '00000001', '00000002');
    }
    fwrite($out, $part);
}
fwrite($out, refreshed_line(time() - 3600, $file, '00000003', '00000004'));
// A page of nothing in the middle, as a crash leaves it.
fseek($out, 24 * 1048576);
fwrite($out, str_repeat("\0", 300000));
fclose($out);
$seconds = microtime(true);
list($code, $output, $said) = wx_token(['history', '--json', "--log=$log", '--since=5d', $file], ['memory_limit' => '16M']);
$took = microtime(true) - $seconds;
$sums = json_decode($output, true)['sums'];
echo "exit code $code $said", $sums['events']['refreshed'] >= 1 ? 'found' : $output, "\n";
// All of it takes many times as long.
$seconds = microtime(true);
list($code, $output, $said) = wx_token(['history', '--json', "--log=$log", '--since=200d', $file], ['memory_limit' => '16M']);
$all = microtime(true) - $seconds;
$events = json_decode($output, true);
echo "exit code $code $said", abs($events['sums']['events']['refreshed'] - $lines / 100) < 20 ? 'all' : $events['sums']['events']['refreshed'], ', broken or of others: ',
    $events['sums']['broken_lines'] + $events['sums']['lines_of_others'] > 0 ? 'counted' : 'none', ', ', $took * 3 < $all ? 'faster' : "$took $all", "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('008-large'); ?>
--EXPECT--
exit code 0 found
exit code 1 all, broken or of others: counted, faster
