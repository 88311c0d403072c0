<?php
// first.php [ROUNDS]: the first call of a request on the polyfill beside the articles' getToken(), with opcache, in one
// server: each in turn in a request of its own, so that nothing is loaded or remembered. It prints medians of
// nanoseconds, and of the ratios of neighbours.

const FILES = ['articles' => __DIR__ . '/../../../demo/legacy.php', 'polyfill' => __DIR__ . '/../../../php/bootstrap.php'];
const CALLS = ['articles' => 'getToken', 'polyfill' => 'wx_get_token'];

if (PHP_SAPI === 'cli-server') {
    [$which, $file] = [$_GET['which'], $_GET['file']];
    $start = hrtime(true);
    require FILES[$which];
    $loaded = hrtime(true);
    (CALLS[$which])($file);
    $end = hrtime(true);
    exit(json_encode(['loading' => $loaded - $start, 'first call' => $end - $loaded, 'both' => $end - $start]));
}

function median(array $values): float
{
    sort($values);
    return $values[count($values) >> 1];
}

$file = tempnam(sys_get_temp_dir(), 'first-');
$token = substr(str_repeat('EMULnIqRgJ3hm', 13), 0, 157);
file_put_contents($file, json_encode(['access_token' => $token, 'expire' => time() + 7200]));
$address = stream_socket_get_name($free = stream_socket_server('tcp://127.0.0.1:0'), false);
fclose($free);
$server = proc_open(
    [PHP_BINARY, '-n', '-d', 'zend_extension=opcache', '-d', 'opcache.enable_cli=1', '-S', $address, __FILE__],
    [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']],
    $pipes
);
while (!@fsockopen("tcp://$address") || time() < filectime($file) + 3) {
    usleep(10000);
    clearstatcache();
}
$rounds = (int) ($argv[1] ?? 3000);
$order = array_keys(FILES);
for ($round = -100; $round < $rounds; $round++) {
    $order = array_reverse($order);
    foreach ($order as $which) {
        $answer = file_get_contents("http://$address/?" . http_build_query(['which' => $which, 'file' => $file]));
        // At first, the server compiles.
        if ($round >= 0) {
            foreach (json_decode($answer, true) as $what => $nanoseconds) {
                $all[$what][$which][] = $nanoseconds;
            }
        }
    }
}
proc_terminate($server);
unlink($file);
foreach ($all as $what => $by) {
    $ratios = array_map(function ($ours, $theirs) { return $ours / $theirs; }, $by['polyfill'], $by['articles']);
    printf("%-10s  articles %6d ns  polyfill %6d ns  ratio %.2f\n", $what, median($by['articles']), median($by['polyfill']), median($ratios));
}
