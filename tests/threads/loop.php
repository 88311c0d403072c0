<?php
/* Calls wx_get_token($file) for 16 seconds, asks the API at $base whether each token is alive, and prints
   what it saw as JSON. A wait is a call that found no valid token. */
$seen = ['calls' => 0, 'failures' => 0, 'dead' => 0, 'waits' => 0];
$tokens = [];
$end = hrtime(true) + 16e9;
while (hrtime(true) < $end) {
    $seen['waits'] += !in_array(wx_token_status($file)['state'], ['fresh', 'due'], true);
    try {
        $token = wx_get_token($file);
    } catch (WxToken\Exception $e) {
        $seen['failures']++;
        continue;
    }
    $seen['calls']++;
    $tokens[$token] = true;
    $answer = file_get_contents("$base/cgi-bin/get_api_domain_ip?access_token=$token");
    $seen['dead'] += isset(json_decode($answer, true)['errcode']);
    usleep(50_000);
}
echo json_encode($seen + ['tokens' => array_keys($tokens)]) . "\n";
