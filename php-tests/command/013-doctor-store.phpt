--TEST--
wx-token doctor: the shared store, whether it answers, and what this server knows of it; never its password
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('013-store');
$file = "$directory/token.json";
$store = static function (array $settings, array $environment = []) use ($directory, $file) {
    list(, $output, $said) = wx_token(['doctor', '--json', "--sysroot=$directory", $file], $settings, $environment);
    echo strpos($output . $said, 'pass-word') === false ? '' : "the password is shown\n";
    foreach (json_decode($output, true)['findings'] as $finding) {
        if ($finding['check'] === 'store') {
            echo steady(preg_replace('/ \(TLSv1\.\d\)/', '', "{$finding['verdict']}: {$finding['text']}") . ($finding['advice'] === null ? '' : "\n    -> {$finding['advice']}")), "\n";
        }
    }
    echo steady($said);
};
$store([]);
$closed = answering('');
$nobody = $closed->url;
unset($closed);
$store(['wx_token.store' => "redis://user:pass-word@$nobody"]);
foreach (["+PONG\r\n", "-NOAUTH Authentication required.\r\n", "-LOADING Redis is loading the dataset in memory\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", ''] as $answer) {
    $server = answering($answer);
    $store(['wx_token.store' => "redis://user:pass-word@{$server->url}/1"]);
}
$pong = answering("+PONG\r\n");
echo "-- by the environment, sentinels, TLS where there is none, a socket\n";
$store([], ['WX_STORE' => "redis://{$pong->url}"]);
$store(['wx_token.store' => "redis+sentinel://{$pong->url},$nobody/mymaster"]);
$store(['wx_token.store' => "rediss://{$pong->url}"]);
$store(['wx_token.store' => "unix://$directory/none.sock"]);
echo "-- what it knows from its last use\n";
$emulator = command_emulator();
wx_token(['get', $file], emulated($emulator) + ['wx_token.store' => "redis://$nobody"]);
$store(['wx_token.store' => "redis://{$pong->url}"]);
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('013-store'); ?>
--EXPECT--
skipped: wx_token.store is empty: this server fetches for itself
problem: no connection with 127.0.0.1:PORT: connection refused
    -> Check that the store runs, the firewall, and wx_token.store
ok: 127.0.0.1:PORT answers
ok: 127.0.0.1:PORT answers
problem: 127.0.0.1:PORT answers LOADING Redis is loading the dataset in memory
    -> See the log of the store
problem: 127.0.0.1:PORT does not answer as Redis does
    -> Check wx_token.store (a port for TLS needs rediss://)
problem: 127.0.0.1:PORT does not answer as Redis does
    -> Check wx_token.store (a port for TLS needs rediss://)
-- by the environment, sentinels, TLS where there is none, a socket
ok: 127.0.0.1:PORT answers
problem: no connection with 127.0.0.1:PORT: connection refused
    -> Check that the store runs, the firewall, and wx_token.store
problem: no connection with 127.0.0.1:PORT: the other side does not speak TLS
    -> Check that the store runs, the firewall, and wx_token.store
problem: no connection with 013-store/none.sock: No such file or directory
    -> Check that the store runs, and that this user may write to its socket
-- what it knows from its last use
warning: when this server last used it: cannot connect to the store at 127.0.0.1:PORT: Connection refused (os error 111)
    -> Check that it runs, the firewall, and wx_token.store. Meanwhile this server fetches for itself
