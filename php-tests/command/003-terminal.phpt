--TEST--
wx-token on a terminal: it fits 40 and 120 columns, has colours there and nowhere else, and redraws with --watch until Ctrl-C
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
require __DIR__ . '/log.inc';
$directory = command_directory('003-terminal');
$long = "$directory/一个很长的目录名称用来测试终端宽度/再来一个很长的目录名称";
mkdir($long, 0700, true);
$failure = ['errcode' => 40164, 'errmsg' => "invalid ip\x1b[5m 1.2.3.4", 'failed_at_ms' => time() * 1000, 'retry_at_ms' => time() * 1000 + 90000, 'failures' => 2];
write_command_token("$long/令牌.json", 7200 + 50);
write_command_token("$directory/failed.json", -100, ['wx_token' => $failure]);
$files = ["$long/令牌.json", "$directory/failed.json"];
foreach ([40, 80, 120] as $columns) {
    list($code, $output) = on_terminal($columns, array_merge(['status'], $files));
    echo "$columns columns: ", widest($output) <= $columns ? 'fits' : widest($output), ', ', strpos($output, '令牌.json') !== false ? 'shows the name' : $output,
        ', table ', var_export(strpos($output, 'STATE') !== false, true), ", exit code $code\n";
}

echo "-- colours\n";
$colours = '/\e\[[\d;]*m/';
list(, $output) = on_terminal(80, array_merge(['status'], $files));
echo 'terminal: ', preg_match_all($colours, $output) > 4 ? 'coloured' : 'plain', "\n";
// Whatever is in a file, only these are sent to the terminal.
echo 'only ours: ', json_encode(preg_replace('/\e\[(?:0|1|2|3[123])m/', '', $output) === preg_replace('/\e.*?m/', '', $output)), "\n";
foreach ([['NO_COLOR' => '1'], ['TERM' => 'dumb']] as $environment) {
    list(, $output) = on_terminal(80, array_merge(['status'], $files), [], $environment);
    echo key($environment), ': ', strpos($output, "\x1b") === false ? 'plain' : 'coloured', "\n";
}
list(, $output) = on_terminal(80, array_merge(['status'], $files), [], ['NO_COLOR' => '']);
echo 'empty NO_COLOR: ', strpos($output, "\x1b") === false ? 'plain' : 'coloured', "\n";
list(, $output) = wx_token(array_merge(['status'], $files), [], ['TERM' => 'xterm', 'COLUMNS' => '40']);
echo 'pipe: ', strpos($output, "\x1b") === false ? 'plain' : 'coloured', ', ', widest($output) > 100 ? 'whole lines' : 'cut', "\n";

echo "-- the window is measured once, not for each line\n";
file_put_contents("$directory/wx.log", implode('', array_map(static function ($index) use ($files) {
    return refreshed_line(time() - 100 + $index, $files[1], '00000001', '00000002');
}, range(1, 20))));
mkdir("$directory/bin");
file_put_contents("$directory/bin/stty", "#!/bin/sh\necho \"\$1\" >>'$directory/measured'\nexec " . trim(shell_exec('command -v stty')) . " \"\$@\"\n");
chmod("$directory/bin/stty", 0755);
list(, $output) = on_terminal(120, ['history', "--log=$directory/wx.log", $files[1]], [], ['PATH' => "$directory/bin:" . getenv('PATH')]);
echo substr_count($output, '00000001>00000002'), ' lines, measured: ', substr_count(file_get_contents("$directory/measured"), "size\n"), "\n";

echo "-- what takes time is said, and wiped away\n";
list(, $output) = on_terminal(80, ['doctor', "--sysroot=$directory", '--log=/nowhere/wx.log', $files[1]], ['wx_token.api_base' => 'http://127.0.0.1:1']);
$said = preg_match_all('/\r\e\[Kchecking: [\w -]+ …(?=\r\e\[K)/', $output);
echo $said > 10 && $said === substr_count($output, 'checking: ') ? "wiped\n" : $output;
list(, , $messages) = wx_token(['doctor', "--sysroot=$directory", $files[1]], ['wx_token.api_base' => 'http://127.0.0.1:1'], ['TERM' => 'xterm']);
echo "not on a pipe: $messages\n";

echo "-- --watch\n";
$typed = false;
list($code, $output) = on_terminal(60, ['status', '--watch=0.1', "$directory/failed.json"], [], [], static function ($output) use (&$typed) {
    $typed = $typed || substr_count($output, "\x1b[H") >= 3;
    return $typed ? "\x03" : '';
});
$frames = explode("\x1b[H", $output);
echo "exit code $code, drawn again: ", var_export(count($frames) > 3, true), ', each from the same place: ',
    var_export(count(array_filter(array_slice($frames, 1, 2), static function ($frame) {
        return strpos($frame, 'every 0.1 s, ') !== false && strpos($frame, 'errcode 40164') !== false && substr($frame, -3) === "\x1b[J";
    })) === 2, true), ', fits: ', var_export(widest($output) <= 60, true), "\n";
$many = [];
for ($i = 0; $i < 30; $i++) {
    $many[] = "$directory/failed.json";
}
$typed = false;
list(, $output) = on_terminal(100, array_merge(['status', '--watch=0.1'], $many), [], [], static function ($output) use (&$typed) {
    $typed = $typed || substr_count($output, "\x1b[H") >= 2;
    return $typed ? "\x03" : '';
});
$frame = explode("\x1b[H", $output)[1];
echo '30 files in 24 rows: ', substr_count($frame, "\n") < 24 && preg_match('/… \d+ more lines/', $frame) ? 'cut, and says so' : $frame, "\n";

echo "-- a reader that ends, ends --watch\n";
$line = implode(' ', array_map('escapeshellarg', command_words(['status', '--watch=0.1', '--json', "$directory/failed.json"])));
exec("sh -c " . escapeshellarg("$line | head -n 2"), $lines);
echo count($lines), ' ', json_decode($lines[1], true)[0]['state'], "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('003-terminal'); ?>
--EXPECT--
40 columns: fits, shows the name, table false, exit code 1
80 columns: fits, shows the name, table true, exit code 1
120 columns: fits, shows the name, table true, exit code 1
-- colours
terminal: coloured
only ours: true
NO_COLOR: plain
TERM: plain
empty NO_COLOR: coloured
pipe: plain, whole lines
-- the window is measured once, not for each line
20 lines, measured: 1
-- what takes time is said, and wiped away
wiped
not on a pipe: 
-- --watch
exit code 130, drawn again: true, each from the same place: true, fits: true
30 files in 24 rows: cut, and says so
-- a reader that ends, ends --watch
2 expired
