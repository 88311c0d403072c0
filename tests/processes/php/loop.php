<?php
// Calls wx_get_token($argv[1]) in a loop for $argv[3] seconds and asks the API at $argv[2] whether each
// token is alive. Prints "ready", waits for a line, and at the end prints what it saw as JSON.
[, $file, $base, $seconds] = $argv;
$seen = ['calls' => 0, 'failures' => 0, 'dead' => 0, 'slowest_ms' => 0.0];
$states = [];
$tokens = [];
echo "ready\n";
fgets(STDIN);
$end = hrtime(true) + $seconds * 1e9;
while (hrtime(true) < $end) {
    $states[wx_token_status($file)['state']] = true;
    $start = hrtime(true);
    try {
        $token = wx_get_token($file);
    } catch (WxToken\Exception $e) {
        $seen['failures']++;
        fwrite(STDERR, $e->getMessage() . "\n");
        continue;
    }
    $seen['slowest_ms'] = max($seen['slowest_ms'], (hrtime(true) - $start) / 1e6);
    $seen['calls']++;
    $tokens[$token] = true;
    $answer = file_get_contents("$base/cgi-bin/get_api_domain_ip?access_token=$token");
    $seen['dead'] += isset(json_decode($answer, true)['errcode']);
    usleep(50_000);
}
echo json_encode($seen + ['tokens' => array_keys($tokens), 'states' => array_keys($states)]);
