--TEST--
wx-token doctor: names, certificates, the clock, and with --ask whether WeChat takes the account
--EXTENSIONS--
wx_token
--SKIPIF--
<?php
if (!extension_loaded('openssl') && !file_exists(ini_get('extension_dir') . '/openssl.so')) {
    die('skip PHP has no openssl here');
}
?>
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('012-network');
mkdir("$directory/etc");
mkdir("$directory/tmp");
$file = "$directory/token.json";
$account = ['wx_token.appid' => COMMAND_APPID, 'wx_token.secret' => COMMAND_SECRET];
$doctor = static function (array $checks, array $settings, array $arguments = [], array $environment = []) use ($account, $directory) {
    list(, $output, $said) = wx_token(array_merge(['doctor', '--json', "--sysroot=$directory"], $arguments), $settings + $account, $environment + ['TMPDIR' => "$directory/tmp"]);
    foreach (json_decode($output, true)['findings'] as $finding) {
        if (in_array($finding['check'], $checks, true)) {
            $text = preg_replace(['/TLSv1\.\d/', '/\d+ more days?/', '/\(\d+ ms\)/', '/ rid: [\w-]+/', '/ has \d+ address(?:es)?/'],
                ['TLS', 'N more days', '(N ms)', '', ' has N addresses'], $finding['text']);
            echo steady("{$finding['check']}: {$finding['verdict']}: $text" . ($finding['advice'] === null ? '' : "\n    -> {$finding['advice']}")), "\n";
        }
    }
    echo steady($said);
};
/** Settings for an emulator. */
$at = static function (Server $emulator) {
    return ['wx_token.api_base' => $emulator->url];
};

echo "-- names\n";
$doctor(['names', 'tls', 'clock'], ['wx_token.api_base' => 'https://no-such-host.invalid']);
file_put_contents("$directory/etc/hosts", "127.0.0.1 localhost\n192.0.2.1 other.example api.example # and why\n");
$doctor(['names'], ['wx_token.api_base' => 'https://api.example,https://127.0.0.1']);
$doctor(['names', 'tls', 'clock'], ['wx_token.proxy' => 'http://127.0.0.1:1', 'wx_token.api_base' => 'https://api.example']);

echo "-- no connection, and no TLS\n";
$closed = answering('');
$nobody = $closed->url;
unset($closed);
$doctor(['tls', 'clock'], ['wx_token.api_base' => "https://$nobody"]);
$plain = answering("HTTP/1.1 200 OK\r\n\r\n");
$doctor(['tls'], ['wx_token.api_base' => "https://{$plain->url}"]);

echo "-- certificates\n";
$good = command_emulator(['--tls', '--ca-out', "$directory/ca.pem"]);
$doctor(['tls', 'clock'], $at($good) + ['wx_token.ca_file' => "$directory/ca.pem"]);
$doctor(['tls'], $at($good));
$expired = command_emulator(['--tls', '--ca-out', "$directory/old.pem", '--expired-cert']);
$doctor(['tls', 'clock'], $at($expired) + ['wx_token.ca_file' => "$directory/old.pem"]);
$other = command_emulator(['--tls', '--ca-out', "$directory/other.pem", '--cert-name', 'other.example']);
$doctor(['tls'], $at($other) + ['wx_token.ca_file' => "$directory/other.pem"]);

echo "-- the clock\n";
foreach ([0, 60, -60, 3600, -3600] as $ahead) {
    $server = answering("HTTP/1.1 200 OK\r\nDate: " . gmdate('D, d M Y H:i:s', time() - $ahead) . " GMT\r\nContent-Length: 0\r\n\r\n");
    list(, $output) = wx_token(['doctor', '--json', "--sysroot=$directory"], ['wx_token.api_base' => "http://{$server->url}"] + $account);
    foreach (json_decode($output, true)['findings'] as $finding) {
        // A second more or less has passed meanwhile.
        echo $finding['check'] === 'clock' ? steady(preg_replace('/\b(?:59 s|1 min(?: \d s)?)\b/', 'MINUTE', preg_replace('/\b(?:59 min \d+ s|1 h)\b/', 'HOUR', "{$finding['verdict']}: {$finding['text']}"))) . "\n" : '';
    }
}
$server = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
$doctor(['clock'], ['wx_token.api_base' => "http://{$server->url}"]);

echo "-- --ask\n";
$emulator = command_emulator();
$settings = ['wx_token.api_base' => $emulator->url];
$doctor(['ask'], $settings);
$doctor(['ask'], ['wx_token.log' => "$directory/wx.log"] + $settings, ['--ask'], ['WX_STORE' => 'redis://127.0.0.1:1']);
$doctor(['ask'], $settings, ['--ask', '--endpoint=classic']);
echo 'fetches: ', emulator_fetches($emulator), "\n";
$doctor(['ask'], $settings, ['--ask', '--endpoint=classic', '--force']);
echo 'fetches: ', emulator_fetches($emulator), "\n";
$doctor(['ask'], ['wx_token.secret' => 'ffffffffffffffffffffffffffffffff'] + $settings, ['--ask']);
emulator_control($emulator, 'PATCH', 'options', '{"allow_ip":["192.0.2.7"]}');
$doctor(['ask'], $settings, ['--ask', $file]);
$doctor(['ask'], ['wx_token.appid' => '', 'wx_token.secret' => ''] + $settings, ['--ask']);
echo json_encode(glob("$directory/tmp/*")), ' ', json_encode([file_exists($file), file_exists("$directory/wx.log")]), "\n";
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('012-network'); ?>
--EXPECT--
-- names
names: problem: the host name no-such-host.invalid does not resolve (N ms)
    -> Check the name servers in /etc/resolv.conf, and wx_token.api_base
tls: problem: no connection with no-such-host.invalid:443: the host name does not resolve
    -> Check the firewall of this server, and wx_token.api_base
clock: skipped: no-such-host.invalid:443 does not answer
names: ok: api.example is in /etc/hosts: 192.0.2.1
names: ok: 127.0.0.1 is an address: there is nothing to look up
names: ok: 127.0.0.1 is an address: there is nothing to look up
tls: skipped: wx_token.proxy makes the connection
clock: skipped: api.example:443 does not answer
-- no connection, and no TLS
tls: problem: no connection with 127.0.0.1:PORT: connection refused
    -> Check the firewall of this server, and wx_token.api_base
clock: skipped: 127.0.0.1:PORT does not answer
tls: problem: no connection with 127.0.0.1:PORT: the other side does not speak TLS
    -> Check the firewall of this server, and wx_token.api_base
-- certificates
tls: ok: TLS with 127.0.0.1:PORT, certificate of wechat-emulator CA, valid for N more days
clock: ok: it agrees with 127.0.0.1:PORT
tls: problem: the certificate of 127.0.0.1:PORT is from an unknown CA: wechat-emulator CA
    -> Something between this server and WeChat may end TLS. Set wx_token.ca_file if that is a CA of yours
tls: problem: the certificate of 127.0.0.1:PORT has expired
    -> Check the clock of this server, and have the certificate renewed
clock: ok: it agrees with 127.0.0.1:PORT
tls: problem: the certificate of 127.0.0.1:PORT is for another host: DNS:other.example
    -> Check DNS and wx_token.api_base
-- the clock
ok: it agrees with 127.0.0.1:PORT
warning: the clock of this server is MINUTE ahead of that of 127.0.0.1:PORT
warning: the clock of this server is MINUTE behind that of 127.0.0.1:PORT
problem: the clock of this server is HOUR ahead of that of 127.0.0.1:PORT: tokens then seem older or younger than they are, and certificates not valid
problem: the clock of this server is HOUR behind that of 127.0.0.1:PORT: tokens then seem older or younger than they are, and certificates not valid
clock: skipped: the answer of 127.0.0.1:PORT has no date
-- --ask
ask: skipped: WeChat was not asked for a token
    -> Add --ask: it shows whether WeChat takes the AppSecret and the IP of this server
ask: ok: WeChat takes wx0123456789abcdef and its secret from this server (endpoint stable)
ask: skipped: with the endpoint classic, a fetch ends the token that is in use: in five minutes, or at once
    -> Take --endpoint=stable, which is harmless. If it must be classic: --force
fetches: 1
ask: ok: WeChat takes wx0123456789abcdef and its secret from this server (endpoint classic)
fetches: 2
ask: problem: cannot refresh the token: WeChat answered errcode 40125 (invalid appsecret)
    -> Check the AppSecret: perhaps it was reset in WeChat's console; next attempt in 60 s, or at once with another appid or secret
ask: problem: cannot refresh the token: WeChat answered errcode 40164 (invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist)
    -> Add 127.0.0.1 to the account's IP whitelist; next attempt in 60 s, or at once with another appid or secret
ask: skipped: there is no account
[] [false,false]
