--TEST--
Sixteen processes whose token WeChat rejects at once repeat one request each, and make one fetch
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php require __DIR__ . '/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/bridge.inc';
$emulator = start_emulator('--latency', '200');
$file = __DIR__ . '/012-token.json';
@unlink($file);

// The emulator's address is a setting of the system: the processes are the children of one that was started with it.
$code = <<<'PHP'
    require $argv[1];
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET'), 'endpoint' => 'classic'];
    $token = new WxToken\EasyWeChat\AccessToken($argv[2], $account);
    $old = $token->getToken();
    http_json("$argv[3]/emulator/$argv[4]", "POST");
    $peers = [];
    for ($i = 0; $i < 16; $i++) {
        $peers[] = fork(function (Peer $parent) use ($token, $argv) {
            $spy = new Spy(Symfony\Component\HttpClient\HttpClient::create(['base_uri' => "$argv[3]/"]));
            $client = new WxToken\EasyWeChat\HealingClient($spy, $token);
            $query = ['access_token' => $token->getToken()];
            $parent->say('ready');
            $parent->hear();
            $answer = $client->request('GET', 'cgi-bin/get_api_domain_ip', ['query' => $query])->toArray();
            $parent->say([array_keys($answer), $spy->tokens]);
            $parent->hear();
        });
    }
    foreach ($peers as $peer) { $peer->hear(); }
    foreach ($peers as $peer) { $peer->say('go'); }
    $answers = array_map(fn($peer) => $peer->hear(), $peers);
    foreach ($peers as $peer) { $peer->say('end'); $peer->end(); }
    foreach (array_unique(array_map('json_encode', array_column($answers, 0))) as $answer) { echo "$answer\n"; }
    $tokens = array_unique(array_map('json_encode', array_column($answers, 1)));
    echo count($answers), ' processes, different pairs of tokens: ', count($tokens), "\n";
    $pair = json_decode($tokens[0]);
    var_dump(count($pair), $pair[0] === $old, $pair[1] === $token->getToken());
    PHP;
foreach (['invalidate', 'expire'] as $how) {
    $before = $emulator->fetches();
    $arguments = [__DIR__ . '/bridge.inc', $file, $emulator->url, $how];
    $first = is_file($file) ? 0 : 1;
    echo "-- $how\n", start_php($code, $arguments, ['wx_token.api_base' => $emulator->url])();
    echo 'fetches: ', $emulator->fetches() - $before - $first, "\n";
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/012-token.json'); ?>
--EXPECT--
-- invalidate
["ip_list"]
16 processes, different pairs of tokens: 1
int(2)
bool(true)
bool(true)
exit status 0
fetches: 1
-- expire
["ip_list"]
16 processes, different pairs of tokens: 1
int(2)
bool(true)
bool(true)
exit status 0
fetches: 1
