--TEST--
wx-token status --prometheus: metrics with HELP and TYPE, escaped labels, and exit code 0
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('004-prometheus');
$failure = ['errcode' => 40125, 'errmsg' => 'invalid appsecret', 'failed_at_ms' => 1600000000500, 'retry_at_ms' => 1600000060500, 'failures' => 7];
file_put_contents("$directory/a.json", json_encode(['access_token' => 'not-to-be-shown', 'expire' => 1588219064, 'wx_token' => $failure]));
chmod("$directory/a.json", 0600);
list($code, $output, $said) = wx_token(['status', '--prometheus', "$directory/a.json", "$directory/\"q\\\n.json"]);
// These two are there where the functions tell of them.
$output = preg_replace('/^(?:# \w+ )?wx_token_(?:exposed|log_writable)\b.*\n/m', '', $output);
echo steady($output), $said, "exit code $code\n";
// One dashboard serves both.
$page = file_get_contents(dirname(__DIR__, 2) . '/php/status.php');
preg_match_all('/^# HELP (\w+) (.+)$/m', $output, $help, PREG_SET_ORDER);
foreach ($help as list(, $name, $words)) {
    echo preg_match("/'$name'\]? =>? " . preg_quote("'$words'", '/') . '/', $page) ? '' : "another $name than that of the status page\n";
}
foreach (explode("\n", trim($output)) as $line) {
    if (!preg_match('/^(?:# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ gauge)|[a-z_]+(?:\{[a-z]+="(?:[^"\\\\]|\\\\[\\\\"n])*"(?:,[a-z]+="(?:[^"\\\\]|\\\\[\\\\"n])*")*\})? -?\d+)$/', $line)) {
        echo "not the format: $line\n";
    }
}
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('004-prometheus'); ?>
--EXPECT--
# HELP wx_token_state Whether the token file is in this state.
# TYPE wx_token_state gauge
wx_token_state{file="004-prometheus/a.json",state="fresh"} 0
wx_token_state{file="004-prometheus/a.json",state="due"} 0
wx_token_state{file="004-prometheus/a.json",state="expired"} 1
wx_token_state{file="004-prometheus/a.json",state="damaged"} 0
wx_token_state{file="004-prometheus/a.json",state="missing"} 0
wx_token_state{file="004-prometheus/a.json",state="unusable"} 0
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="fresh"} 0
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="due"} 0
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="expired"} 0
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="damaged"} 0
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="missing"} 1
wx_token_state{file="004-prometheus/\"q\\\\n.json",state="unusable"} 0
# HELP wx_token_expires_at_seconds Unix time at which the token expires.
# TYPE wx_token_expires_at_seconds gauge
wx_token_expires_at_seconds{file="004-prometheus/a.json"} 1588219064
# HELP wx_token_due_at_seconds Unix time from which on the token is refreshed.
# TYPE wx_token_due_at_seconds gauge
wx_token_due_at_seconds{file="004-prometheus/a.json"} 1588218764
# HELP wx_token_failures Failed refreshes in a row.
# TYPE wx_token_failures gauge
wx_token_failures{file="004-prometheus/a.json"} 7
wx_token_failures{file="004-prometheus/\"q\\\\n.json"} 0
# HELP wx_token_retry_at_seconds Unix time before which nobody asks WeChat again, after a failure.
# TYPE wx_token_retry_at_seconds gauge
wx_token_retry_at_seconds{file="004-prometheus/a.json"} 1600000061
# HELP wx_token_locked Whether a process holds the lock of the file.
# TYPE wx_token_locked gauge
wx_token_locked{file="004-prometheus/a.json"} 0
wx_token_locked{file="004-prometheus/\"q\\\\n.json"} 0
# HELP wx_token_stored Whether the newest token of this process is in the file.
# TYPE wx_token_stored gauge
wx_token_stored{file="004-prometheus/a.json"} 1
wx_token_stored{file="004-prometheus/\"q\\\\n.json"} 1
exit code 0
