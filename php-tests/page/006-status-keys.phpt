--TEST--
What a status says of exposure, the log, the store and the lock is on the status page, in all its formats; a status without it is shown, too
--FILE--
<?php
require __DIR__ . '/page.inc';
$site = new Site('keys', ['files' => []], ['none']);
$directory = $site->directory;
unset($site);
mkdir($directory, 0700, true);
// In place of the extension: states that are hard to come by.
$now = time();
$common = ['exists' => true, 'state' => 'fresh', 'stored' => true, 'layout' => 'expire', 'expires_at' => $now + 5000, 'expires_in' => 5000, 'due_in' => 4700,
    'failure' => null, 'locked' => false, 'holder_pid' => null, 'refreshing' => false, 'store' => null, 'log' => null, 'exposed' => null, 'error' => null, 'implementation' => 'extension'];
$log = ['place' => '/var/log/wx_token.log', 'error' => 'cannot write /var/log/wx_token.log: no space is left. Make room'];
$store = ['place' => 'redis://10.0.0.5:6379', 'encrypted' => false, 'confirmed_at' => $now - 30, 'retry_at' => $now + 20, 'error' => 'cannot connect to the store. Check it'];
$statuses = [
    'exposed' => ['exposed' => 'it is below the document root /srv. Move it', 'log' => $log],
    'locked' => ['locked' => true, 'holder_pid' => 4242, 'log' => $log],
    'refreshing' => ['locked' => true, 'refreshing' => true, 'log' => $log],
    'unstored' => ['stored' => false, 'error' => 'only this process has the token. Make room', 'log' => $log],
    'stored elsewhere' => ['store' => $store, 'log' => $log],
    'without the keys' => [],
];
$all = [];
foreach ($statuses as $name => $status) {
    $all[$name] = $status + ['file' => $name] + $common;
}
unset($all['without the keys']['log'], $all['without the keys']['exposed']);
file_put_contents("$directory/library.php", '<?php function wx_token_status($file) { if ($file === "throws") { throw new RuntimeException("cannot use it: open_basedir. Change it"); }'
    . ' return json_decode(' . var_export(json_encode($all), true) . ', true)[$file]; }');
$on = static function (string $file, float $ago, string $event, string $host) use ($now): string {
    return log_line($now - $ago, $event, $file, ['new' => '12345678', 'host' => $host, 'pid' => 7]);
};
$lines = [$on('stored elsewhere', 275, 'refreshed', 'web1'), $on('locked', 300, 'refreshed', 'web1'), $on('locked', 200, 'waited', 'web1'),
    $on('exposed', 98980, 'refreshed', 'web<1>'), $on('exposed', 700, 'adopted', '2'), $on('exposed', 475, 'refreshed', 'web3'), $on('exposed', 62, 'failed', '2')];
for ($i = 0; $i < 30; $i++) {
    $lines[] = $on('refreshing', 95 - $i, 'refreshed', "pod-$i");
}
file_put_contents("$directory/log", implode('', $lines) . log_line($now - 10, 'refreshed', 'without the keys', ['host' => ['x']]));
$site = new Site('keys', ['files' => array_merge(array_keys($statuses), ['throws']), 'library' => "$directory/library.php", 'log' => "$directory/log"], ['none']);
$page = $site->get()->body;
preg_match_all('~<article class="file (\w+).*?<h2[^>]*>(.*?)</h2>(.*?)</article>~s', $page, $articles, PREG_SET_ORDER);
foreach ($articles as $article) {
    preg_match_all('~<li class="(\w+)">(.*?)</li>~s', $article[3], $remarks, PREG_SET_ORDER);
    echo "$article[2]: $article[1]\n";
    foreach ($remarks as $remark) {
        echo "  $remark[1]: ", strip_tags($remark[2]), "\n";
    }
    if (preg_match('~<dt>Machines in the log</dt><dd><ul><li>(.*?)</li></ul></dd>~s', $article[3], $machines) === 1) {
        $machines = preg_replace('~<time.*?</time>~', 'TIME', explode('</li><li>', $machines[1]));
        echo '  ', count($machines), ': ', implode(', ', array_slice(array_map('strip_tags', $machines), 0, 3)), "\n";
    }
}
preg_match('~<dt>Shared store</dt><dd>(.*?)</dd>~s', $page, $fact);
echo preg_replace('/\d\d:\d\d:\d\d/', 'TIME', strip_tags($fact[1])), "\n";
preg_match('~<p class="note info">(.*?)</p>~s', $page, $note);
echo strip_tags(str_replace('<br>', "\n", $note[1])), "\n";
preg_match('~<p class="headline (\w+)">(.*?)</p>~', $page, $headline);
echo "$headline[1]: $headline[2]\n";

echo "-- Prometheus\n";
preg_match_all('~^wx_token_(?:exposed|log_writable|stored|locked)\b.*$~m', $site->get('format=prometheus')->body, $lines);
echo implode("\n", $lines[0]), "\n";
echo "-- JSON\n";
$json = json_decode($site->get('format=json')->body, true);
echo json_encode($json['log'], JSON_UNESCAPED_SLASHES), "\n", json_encode(array_column($json['files'], 'exposed')), "\n";
echo preg_replace('/20\d\d-[\d:.TZ-]+/', 'TIME', json_encode(array_column($json['files'], 'hosts', 'file')['exposed'])), "\n";

echo "-- a page that fails\n";
file_put_contents("$directory/library.php", '<?php function wx_token_status($file) { return ["file" => $file, "state" => "fresh", "expires_at" => ["SECRET"]]; }');
foreach (['', 'format=prometheus'] as $query) {
    $answer = $site->get($query);
    echo "$answer->status ", $answer->header('Content-Type'), ' ', $answer->header('Cache-Control'), ' ', $answer->body;
}
unset($site);

echo "-- without any of wx_token\n";
$site = new Site('keys', ['files' => ['x'], 'library' => '/nowhere.php'], ['none']);
$answer = $site->get();
echo $answer->status, ' ', $answer->body;
$answer = $site->get('lang=zh');
echo $answer->status, ' ', $answer->body;
?>
--EXPECT--
throws: bad
  bad: cannot use it: open_basedir. Change it
unstored: bad
  bad: only this process has the token. Make room
exposed: warn
  warn: Others may read this file. it is below the document root /srv. Move it
  3: 2 · failed TIME (1 min ago), web3 · refreshed TIME (8 min ago), web&lt;1&gt; · refreshed TIME (27 h 30 min ago)
stored elsewhere: warn
  warn: The shared store does not answer. cannot connect to the store. Check it
  1: web1 · refreshed TIME (5 min ago)
locked: ok
  info: Process 4242 holds the lock.
refreshing: ok
  info: A refresh is running. Another process holds the lock.
  20: pod-29 · refreshed TIME (1 min ago), pod-28 · refreshed TIME (1 min ago), pod-27 · refreshed TIME (1 min ago)
without the keys: ok
redis://10.0.0.5:6379 · not encrypted · confirmed TIME · left alone until TIME · cannot connect to the store. Check it
The log cannot be written. cannot write /var/log/wx_token.log: no space is left. Make room
bad: 4 of 7 token files need attention
-- Prometheus
wx_token_locked{file="exposed"} 0
wx_token_locked{file="locked"} 1
wx_token_locked{file="refreshing"} 1
wx_token_locked{file="unstored"} 0
wx_token_locked{file="stored elsewhere"} 0
wx_token_locked{file="without the keys"} 0
wx_token_locked{file="throws"} 0
wx_token_stored{file="exposed"} 1
wx_token_stored{file="locked"} 1
wx_token_stored{file="refreshing"} 1
wx_token_stored{file="unstored"} 0
wx_token_stored{file="stored elsewhere"} 1
wx_token_stored{file="without the keys"} 1
wx_token_stored{file="throws"} 1
wx_token_exposed{file="exposed"} 1
wx_token_exposed{file="locked"} 0
wx_token_exposed{file="refreshing"} 0
wx_token_exposed{file="unstored"} 0
wx_token_exposed{file="stored elsewhere"} 0
wx_token_log_writable 0
-- JSON
{"place":"/var/log/wx_token.log","error":"cannot write /var/log/wx_token.log: no space is left. Make room","broken_lines":0}
["it is below the document root \/srv. Move it",null,null,null,null]
[{"host":"2","event":"failed","time":"TIME"},{"host":"web3","event":"refreshed","time":"TIME"},{"host":"web<1>","event":"refreshed","time":"TIME"}]
-- a page that fails
500 text/plain; charset=utf-8 no-store This page failed. PHP's error log says why.
500 text/plain; charset=utf-8 no-store This page failed. PHP's error log says why.
-- without any of wx_token
503 The extension wx_token is not loaded. Load it, or set 'library' in the first lines of this page.
503 扩展 wx_token 没有加载。请加载它，或者在本页文件开头设置 'library'。
