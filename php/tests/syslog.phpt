--TEST--
The polyfill sends each event to the system's log as one message, and leaves PHP's own connection to it alone
--SKIPIF--
<?php
exec('unshare --mount true 2>&1', $output, $status);
$status === 0 || print 'skip no mount of its own can be made here';
?>
--FILE--
<?php
$folder = __DIR__ . '/syslog';
mkdir($folder);
$socket = stream_socket_server("udg://$folder/log", $errno, $error, STREAM_SERVER_BIND);
stream_set_timeout($socket, 10);
// A /dev of its own, with this socket as its log.
$script = 'mount --bind "$0" /dev/shm && cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/shm && mount --move /dev/shm /dev && exec "$@"';
$code = 'require getenv("WX_TOKEN_POLYFILL"); openlog("site", 0, LOG_USER);'
    . ' echo wx_get_token($argv[1], function () { return ["access_token" => "a-token", "expires_in" => 7200]; }), "\n";'
    . ' echo json_encode(wx_token_status($argv[1])["log"]), "\n"; syslog(LOG_INFO, "of the site");';
$json = extension_loaded('json') && file_exists(ini_get('extension_dir') . '/json.so') ? ['-d', 'extension=json'] : [];
$command = array_merge(
    ['unshare', '--mount', 'sh', '-c', $script, $folder, PHP_BINARY, '-n', '-d', 'wx_token.log=syslog', '-d', 'error_log=/dev/null'],
    $json,
    ['-r', $code, '--', "$folder/token.json"]
);
proc_close(proc_open(array_map('strval', $command), [1 => STDOUT, 2 => STDOUT], $pipes));
foreach ([1, 2] as $message) {
    $text = stream_socket_recvfrom($socket, 8192);
    if (preg_match('/^(<\d+>wx_token\[)(\d+)(\]: )(.*)$/D', $text, $parts) === 1) {
        $event = json_decode($parts[4]);
        $text = "$parts[1]PID$parts[3]" . json_encode([$event->event, $event->endpoint, (string) $event->pid === $parts[2]]);
    }
    echo preg_replace('/^(<\d+>)\w{3} [ \d]\d [\d:]{8} /', '$1', $text), "\n";
}
?>
--CLEAN--
<?php exec('rm -r ' . escapeshellarg(__DIR__ . '/syslog')); ?>
--EXPECT--
a-token
{"place":"syslog","error":null}
<13>wx_token[PID]: ["refreshed","loader",true]
<14>site: of the site
