--TEST--
The polyfill with WeChat: the endpoints, tickets, a wrong secret, and a storm, in the syntax of PHP 7.2
--FILE--
<?php
require __DIR__ . '/calls.inc';
$base = __DIR__ . '/wechat';
$pipes = [];
$emulator = proc_open([getenv('WECHAT_EMULATOR'), '--exit-with-stdin', '--latency', '200'], [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
preg_match('~ listening on (http://\S+)~', (string) fgets($pipes[1]), $match) || exit('the emulator did not start');
$url = $match[1];

function fetches(string $url): int
{
    return array_sum(json_decode(file_get_contents("$url/emulator/stats"), true)['fetches']);
}

$account = ['appid' => 'wx0123456789abcdef', 'secret' => '0123456789abcdef0123456789abcdef'];
$corporation = ['corpid' => 'ww0123456789abcdef', 'corpsecret' => 'fedcba9876543210fedcba9876543210fedcba98765'];
foreach (['stable' => $account, 'classic' => $account, 'wecom' => $corporation] as $endpoint => $options) {
    $options = var_export($options + ['endpoint' => $endpoint], true);
    $before = fetches($url);
    $started = [];
    for ($i = 0; $i < 6; $i++) {
        $started[] = start_call(["wx_token.api_base" => $url], "wx_get_token('$base.$endpoint', $options)");
    }
    $tokens = array_unique(array_map('end_call', $started));
    $stored = json_decode(file_get_contents("$base.$endpoint"), true)['access_token'];
    echo "$endpoint: ", fetches($url) - $before, ' fetch, ', $tokens === [$stored] ? "one token\n" : json_encode($tokens) . "\n";
}

echo "-- a ticket\n";
$options = var_export($account, true);
$ticket = end_call(start_call(["wx_token.api_base" => $url], "wx_get_ticket('$base.ticket', '$base.stable', 'jsapi', $options)"));
var_dump($ticket === json_decode(file_get_contents("$base.ticket"), true)['jsapi_ticket']);

echo "-- a rejected token\n";
$token = json_decode(file_get_contents("$base.classic"), true)['access_token'];
$options = var_export($account + ['endpoint' => 'classic'], true);
var_dump(end_call(start_call(["wx_token.api_base" => $url], "wx_refresh_token('$base.classic', '$token', $options)")) !== $token);

echo "-- a wrong secret, twice\n";
$before = fetches($url);
$options = var_export(['secret' => str_repeat('0', 32)] + $account, true);
foreach ([1, 2] as $time) {
    echo end_call(start_call(["wx_token.api_base" => $url], "wx_get_token('$base.wrong', $options)")), "\n";
}
echo fetches($url) - $before, " fetch\n";

echo "-- nobody listens\n";
echo preg_replace('/: cannot connect to \S+: .*/', ': cannot connect', end_call(start_call(['wx_token.api_base' => 'http://127.0.0.1:1'], "wx_get_token('$base.none', $options)"))), "\n";
fclose($pipes[0]);
proc_close($emulator);
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/wechat.{stable,classic,wecom,ticket,wrong,none}', GLOB_BRACE)); ?>
--EXPECTF--
stable: 1 fetch, one token
classic: 1 fetch, one token
wecom: 1 fetch, one token
-- a ticket
bool(true)
-- a rejected token
bool(true)
-- a wrong secret, twice
WxToken\ApiException 40125 %s
WxToken\ApiException 40125 %s
1 fetch
-- nobody listens
WxToken\NetworkException 0 %s: cannot connect
