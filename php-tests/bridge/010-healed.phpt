--TEST--
A rejected token costs one repeated request, whether WeChat says 40001, 40014 or 42001
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/bridge.inc';
use WxToken\EasyWeChat\{AccessToken, HealingClient};

$emulator = start_emulator();
$file = __DIR__ . '/010-token.json';
@unlink($file);
$token = new AccessToken($file, loader_of($emulator));
$spy = new Spy(client_of($emulator));
$client = new HealingClient($spy, $token);
$call = function () use ($client, $token) {
    $answer = $client->request('GET', 'cgi-bin/get_api_domain_ip', ['query' => $token->toQuery()])->toArray();
    return isset($answer['ip_list']) ? 'an answer' : $answer['errcode'];
};
$show = function (string $title) use ($emulator, $call, $spy) {
    $before = $emulator->fetches();
    echo "$title: ", $call(), ', ', $spy->passed(), ', fetches: ', $emulator->fetches() - $before, "\n";
};

$show('no token yet');
$show('a valid token');
reject_tokens($emulator, 'invalidate');
$show('40001');
$show('afterwards');
reject_tokens($emulator, 'expire');
$show('42001');
$show('afterwards');
write_token($file, 'EMUhand-made', 7000);
$show('40014');
$show('afterwards');

echo "-- another process has replaced it since\n";
$query = $token->toQuery();
reject_tokens($emulator, 'invalidate');
$new = wx_refresh_token($file, $query['access_token'], loader_of($emulator));
$before = $emulator->fetches();
$answer = $client->request('GET', 'cgi-bin/get_api_domain_ip', ['query' => $query])->toArray();
var_dump(isset($answer['ip_list']), $spy->tokens === [$query['access_token'], $new], $emulator->fetches() - $before);

echo "-- another request has replaced it since\n";
$query = $token->toQuery();
reject_tokens($emulator, 'invalidate');
$call();
$spy->passed();
$before = $emulator->fetches();
$answer = $client->request('GET', 'cgi-bin/get_api_domain_ip', ['query' => $query])->toArray();
var_dump(isset($answer['ip_list']), $spy->tokens === [$query['access_token'], $token->getToken()], $emulator->fetches() - $before);

echo "-- two at once, with the same token\n";
$query = $token->toQuery();
reject_tokens($emulator, 'invalidate');
$spy->passed();
$before = $emulator->fetches();
$both = array_map(fn() => $client->request('GET', 'cgi-bin/get_api_domain_ip', ['query' => $query]), range(1, 2));
echo 'lazy: ', $spy->passed(), "\n";
foreach ($client->stream($both) as $response => $chunk) {
    $chunk->isLast() && print json_encode(array_keys($response->toArray())) . "\n";
}
echo $spy->passed(), ', fetches: ', $emulator->fetches() - $before, "\n";
?>
--CLEAN--
<?php @unlink(__DIR__ . '/010-token.json'); ?>
--EXPECT--
no token yet: an answer, 1 requests, 1 tokens, fetches: 1
a valid token: an answer, 1 requests, 1 tokens, fetches: 0
40001: an answer, 2 requests, 2 tokens, fetches: 1
afterwards: an answer, 1 requests, 1 tokens, fetches: 0
42001: an answer, 2 requests, 2 tokens, fetches: 1
afterwards: an answer, 1 requests, 1 tokens, fetches: 0
40014: an answer, 2 requests, 2 tokens, fetches: 1
afterwards: an answer, 1 requests, 1 tokens, fetches: 0
-- another process has replaced it since
bool(true)
bool(true)
int(0)
-- another request has replaced it since
bool(true)
bool(true)
int(0)
-- two at once, with the same token
lazy: 2 requests, 1 tokens
["ip_list"]
["ip_list"]
2 requests, 1 tokens, fetches: 1
