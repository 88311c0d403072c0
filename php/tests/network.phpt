--TEST--
What the polyfill says of an upstream that is slow, breaks off, is no WeChat, or has an unknown certificate
--FILE--
<?php
require __DIR__ . '/calls.inc';
$file = __DIR__ . '/network.json';
$account = var_export(['appid' => 'wx0123456789abcdef', 'secret' => '0123456789abcdef0123456789abcdef'], true);

/** The message of a call, without what depends on the machine and on what speaks TLS. */
function message(array $settings): string
{
    global $file, $account;
    @unlink($file);
    $output = end_call(start_call($settings + ['wx_token.timeout' => 1.5], "wx_get_token('$file', $account)"));
    if (preg_match('/^EMU[\w-]+$/', $output) === 1) {
        return 'a token';
    }
    $output = str_replace(dirname($file) . '/', '', $output);
    $output = preg_replace('~(TLS to \S+ failed: ).*(\. Set wx_token.ca_file.*)~', '$1…$2', $output);
    $output = preg_replace('~( before the end of the answer: ).*(\. Check proxies.*)~', '$1…$2', $output);
    return preg_replace('~; next attempt.*~', '', preg_replace('~127\.0\.0\.1:\d+~', 'HOST', $output));
}

/** The message about a server that answers each request with `$answer`. */
function about(string $answer): string
{
    $code = '$server = stream_socket_server("tcp://127.0.0.1:0"); echo stream_socket_get_name($server, false), "\n";'
        . ' while ($client = stream_socket_accept($server, 20)) { fread($client, 8192); fwrite($client, base64_decode($argv[1])); fclose($client); }';
    $process = proc_open([PHP_BINARY, '-n', '-r', $code, base64_encode($answer)], [1 => ['pipe', 'w']], $pipes);
    $message = message(['wx_token.api_base' => 'http://' . trim(fgets($pipes[1]))]);
    proc_terminate($process);
    proc_close($process);
    return $message;
}

function emulator(array $arguments): array
{
    $process = proc_open(array_merge([getenv('WECHAT_EMULATOR'), '--exit-with-stdin'], $arguments), [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
    preg_match('~ listening on (https?://\S+)~', (string) fgets($pipes[1]), $match) || exit('the emulator did not start');
    return [$match[1], $process, $pipes];
}

list($url, , $pipes) = $emulator = emulator(['--latency', '5000']);
echo message(['wx_token.api_base' => $url]), "\n";
fclose($pipes[0]);
echo about('HTTP/1.1 '), "\n";
echo about("HTTP/1.1 500 No\r\nConnection: close\r\n\r\n{}"), "\n";
echo about("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n"), "\n";
echo about("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>"), "\n";
echo about("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"access_token\":\"x\"}"), "\n";
echo about("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" . str_repeat(' ', 70000)), "\n";
echo about("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"errcode\":50002,\"errmsg\":\"secret 0123456789abcdef0123456789abcdef\"}"), "\n";
$ca = __DIR__ . '/network.ca';
list($url, , $pipes) = $emulator = emulator(['--tls', '--ca-out', $ca]);
echo message(['wx_token.api_base' => $url]), "\n";
echo message(['wx_token.api_base' => $url, 'wx_token.ca_file' => $ca]), "\n";
fclose($pipes[0]);
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/network.{json,ca}', GLOB_BRACE)); ?>
--EXPECTF--
WxToken\NetworkException 0 cannot refresh network.json: http://HOST did not answer within 1.5 s. Check the network; the limit is timeout (option or wx_token.timeout)%S
WxToken\NetworkException 0 cannot refresh network.json: the connection to http://HOST broke off before the end of the answer: …. Check proxies between this server and WeChat%S
WxToken\NetworkException 0 cannot refresh network.json: http://HOST answered with HTTP status 500. Check wx_token.api_base and wx_token.proxy%S
WxToken\NetworkException 0 cannot refresh network.json: http://HOST answered with HTTP status 302. Check wx_token.api_base and wx_token.proxy%S
WxToken\NetworkException 0 cannot refresh network.json: the answer of http://HOST is unusable: it is not a JSON object (6 bytes). Check wx_token.api_base and wx_token.proxy%S
WxToken\NetworkException 0 cannot refresh network.json: the answer of http://HOST is unusable: it has no number "expires_in". Check wx_token.api_base and wx_token.proxy%S
WxToken\NetworkException 0 cannot refresh network.json: the answer of http://HOST is larger than 64 KiB. Check wx_token.api_base%S
WxToken\ApiException 50002  answered errcode 50002 (secret ***). The account is frozen, transferred or closed: see WeChat's console
WxToken\NetworkException 0 cannot refresh network.json: TLS to https://%s failed: …. Set wx_token.ca_file if a proxy or gateway has its own CA, and check the clock of this server%S
a token
