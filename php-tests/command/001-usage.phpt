--TEST--
wx-token: help for each command, and an error with what to do for each wrong command line
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
foreach ([['--help'], ['help', 'get'], ['--version']] as $arguments) {
    list($code, $output, $said) = wx_token($arguments);
    echo implode(' ', $arguments), ': ', strtok($output, "\n"), ' ', $said, "exit code $code\n";
}
foreach (['status', 'get', 'warm', 'history', 'doctor'] as $name) {
    list($code, $output, $said) = wx_token([$name, '--help']);
    preg_match_all('/^   ?(\d+)  /m', $output, $codes);
    echo "$name --help: ", preg_match("/\n\nusage: wx-token $name .*\n/", $output), ' exit codes ', implode(' ', $codes[1]), "$said, exit code $code\n";
    echo columns_of(max(explode("\n", $output))) <= 120 ? '' : "too wide\n";
}
foreach ([
    ['statsu', 'x.json'], ['-x'], ["b\x1b[31mad"], ['status'], ['get'], ['get', 'a.json', 'b.json'], ['get', ''], ['get', '--timeouts', 'a'],
    ['get', '--appid'], ['get', '--appid=', 'a'], ['status', '--json=1', 'a'], ['status', '--json', '--prometheus', 'a'],
    ['status', '--watch=never', 'a'], ['get', '--endpoint=other', 'a'], ['get', '--layout=other', 'a'], ['get', '--timeout=x', 'a'],
    ['history', '--since=yesterday', 'a'], ['doctor', '--user=nobody-of-that-name'], ['get', 'http://host/token'],
    ['get', '--secret=my-secret', 'a'], ['get', '--secret', 'my-secret', 'a'], ['warm', '--corpsecret=my-secret', 'a'],
    ['get', '--my-secret-token=abc', 'a'],
] as $arguments) {
    list($code, $output, $said) = wx_token($arguments);
    echo steady($output . $said), $code === 64 ? '' : "exit code $code\n";
}
echo "-- a TypeError is a bug, and no wrong usage\n";
$directory = command_directory('001-usage');
file_put_contents("$directory/broken.php", '<?php namespace WxToken\Command; class GetCommand { const SUMMARY = "", HELP = "", OPTIONS = []; public function run() { throw new \TypeError("broken"); } }');
show_command(['get', 'a.json'], ['auto_prepend_file' => "$directory/broken.php"]);
list($code, $output) = wx_token([]);
echo strtok($output, "\n"), " exit code $code\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('001-usage'); ?>
--EXPECTF--
--help: Shows WeChat token files, gets their tokens, keeps them fresh, and finds out what is wrong. exit code 0
help get: prints the valid token of a file, refreshed if necessary exit code 0
--version: wx-token with the %s, PHP %s exit code 0
status --help: 1 exit codes 0 1 2 64, exit code 0
get --help: 1 exit codes 0 1 2 64 74, exit code 0
warm --help: 1 exit codes 0 1 2 64, exit code 0
history --help: 1 exit codes 0 1 2 64, exit code 0
doctor --help: 1 exit codes 0 1 2 64, exit code 0
wx-token: unknown command "statsu". Did you mean status? See wx-token --help
wx-token: unknown option "-x". See wx-token --help
wx-token: unknown command "b\u{1b}[31mad". See wx-token --help
wx-token: no token file is named. Add its path. See wx-token status --help
wx-token: no token file is named. Add its path. See wx-token get --help
wx-token: it takes one token file, and 2 are named. Quote a path with spaces. See wx-token get --help
wx-token: the path of a token file is empty. A variable of the shell may not be set. See wx-token get --help
wx-token: unknown option --timeouts. Did you mean --timeout? See wx-token get --help
wx-token: --appid needs a value: --appid=…. See wx-token get --help
wx-token: --appid has an empty value. A variable of the shell may not be set. See wx-token get --help
wx-token: --json takes no value. See wx-token status --help
wx-token: --json and --prometheus exclude each other. Take one. See wx-token status --help
wx-token: --watch must be a number of seconds from 0.1 to 86400. See wx-token status --help
wx-token: %sendpoint%s
wx-token: %slayout%s
wx-token: %stimeout%s
wx-token: --since must be a span such as 90min, 36h or 7d, or a time such as 2026-11-30, "2026-11-30 14:00" or 14:00. See wx-token history --help
wx-token: there is no user nobody-of-that-name. Take the user of the web server: --user=www-data. See wx-token doctor --help
wx-token: http://host/token: the file must be a local path, not a URL. See wx-token get --help
wx-token: --secret is not taken as an argument: every user of this machine could read it in the list of processes. Put it into the settings or the accounts file, or into WX_SECRET in the environment. See wx-token get --help
wx-token: --secret is not taken as an argument: every user of this machine could read it in the list of processes. Put it into the settings or the accounts file, or into WX_SECRET in the environment. See wx-token get --help
wx-token: --corpsecret is not taken as an argument: every user of this machine could read it in the list of processes. Put it into the settings or the accounts file, or into WX_SECRET in the environment. See wx-token warm --help
wx-token: unknown option --my-secret-token. See wx-token get --help
-- a TypeError is a bug, and no wrong usage
$ wx-token get a.json
stderr: wx-token: this is a bug: broken (broken.php:1). Please report it
exit code 70
Shows WeChat token files, gets their tokens, keeps them fresh, and finds out what is wrong. exit code 64
