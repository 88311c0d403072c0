--TEST--
Sixteen processes without a valid token call one loader, once, and share its token
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/007-single-flight.json';
$count = __DIR__ . '/007-single-flight.count';

/** Lets sixteen processes make a call whose loader takes until all the others wait for it. */
function storm(callable $call, callable $answer): void {
    global $count;
    file_put_contents($count, '');
    $peers = [];
    for ($i = 0; $i < 16; $i++) {
        $peers[] = fork(function (Peer $parent) use ($call, $answer, $count) {
            $parent->say('ready');
            $parent->hear();
            $loader = function () use ($parent, $answer, $count) {
                file_put_contents($count, '.', FILE_APPEND);
                $parent->say('loads');
                $parent->hear();
                return $answer();
            };
            try {
                $parent->say($call($loader));
            } catch (Throwable $e) {
                $parent->say(get_class($e) . ' ' . $e->getMessage());
            }
            $parent->hear();
        });
    }
    foreach ($peers as $peer) {
        $peer->hear();
    }
    foreach ($peers as $peer) {
        $peer->say('begin');
    }
    until(fn() => array_filter($peers, fn($peer) => $peer->has_spoken()));
    $loading = current(array_filter($peers, fn($peer) => $peer->has_spoken()));
    echo 'one ', $loading->hear(), "\n";
    $others = array_filter($peers, fn($peer) => $peer !== $loading);
    $begun = array_map(fn($peer) => $peer->sleeps(), $others);
    foreach ($others as $i => $peer) {
        until(fn() => $peer->has_spoken() || $peer->sleeps() >= $begun[$i] + 10);
    }
    echo count(array_filter($others, fn($peer) => !$peer->has_spoken())), " wait\n";
    $loading->say('go on');
    $results = [];
    foreach ($peers as $peer) {
        $results[] = preg_replace('/\d+ s$/', 'a while', str_replace(__DIR__ . '/', '', $peer->hear()));
        $peer->say('end');
    }
    foreach ($peers as $peer) {
        $peer->end();
    }
    $results = array_count_values($results);
    arsort($results);
    print_r($results);
    echo 'calls: ', strlen(file_get_contents($count)), "\n";
}

$failed_before = ['wx_token' => ['network' => 'before', 'failed_at_ms' => 1, 'retry_at_ms' => 2, 'failures' => 6]];
$new = fn() => ['access_token' => 'new', 'expires_in' => 7200];
$get = fn($loader) => wx_get_token($file, $loader);

echo "-- expired\n";
write_token($file, 'old', -1);
storm($get, $new);
echo "-- rejected\n";
write_token($file, 'old', 7200);
storm(fn($loader) => wx_refresh_token($file, 'old', $loader), $new);
echo "-- missing\n";
unlink($file);
storm($get, $new);
echo "-- a failure is shared, too\n";
write_token($file, 'old', -1, $failed_before);
storm($get, function () { throw new RuntimeException('said to the caller alone'); });
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/007-single-flight.json');
@unlink(__DIR__ . '/007-single-flight.count');
?>
--EXPECT--
-- expired
one loads
15 wait
Array
(
    [new] => 16
)
calls: 1
-- rejected
one loads
15 wait
Array
(
    [new] => 16
)
calls: 1
-- missing
one loads
15 wait
Array
(
    [new] => 16
)
calls: 1
-- a failure is shared, too
one loads
15 wait
Array
(
    [WxToken\NetworkException cannot refresh 007-single-flight.json: the loader threw RuntimeException in another call. See the error log of that process; next attempt in a while] => 15
    [RuntimeException said to the caller alone] => 1
)
calls: 1
