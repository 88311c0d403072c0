--TEST--
The extension and the polyfill write one log: a line for each fetch, without tokens and secrets; neither creates a file at the end of a link
--EXTENSIONS--
wx_token
pcntl
posix
--SKIPIF--
<?php
is_executable(getenv("WECHAT_EMULATOR") ?: __DIR__ . "/../target/release/wechat-emulator")
    || print "skip the emulator is not built, and WECHAT_EMULATOR does not name it";
?>
--FILE--
<?php
require __DIR__ . '/migration/programs.inc';
$directory = fresh_directory(__DIR__ . '/030-log-of-both');
$emulator = start_emulator('--latency', '1000');
[$file, $log] = ["$directory/token.json", "$directory/log"];

/** Starts `$call` with the extension, or else with the polyfill. */
function start(bool $extension, string $call, array $settings): callable
{
    global $emulator, $file, $log;
    putenv($extension ? 'WX_TOKEN_POLYFILL' : 'WX_TOKEN_POLYFILL=' . __DIR__ . '/../php/bootstrap.php');
    $settings += ['wx_token.api_base' => $emulator->url, 'wx_token.log' => $log];
    return start_php("try { echo $call; } catch (WxToken\\Exception \$e) { echo get_class(\$e); }", [$file], $settings);
}

/** Lets one process fetch, and others of both come meanwhile. */
function storm(string $title, string $call, array $settings = []): void
{
    global $emulator, $file, $log, $seen;
    foreach (['extension', 'polyfill'] as $leader) {
        file_put_contents($log, '');
        write_token($file, 'an-old-token', 'rejected' === $title ? 7000 : -1);
        $before = $emulator->fetches();
        $started = [start($leader === 'extension', $call, $settings)];
        until(fn() => $emulator->isFetching());
        for ($i = 0; $i < 8; $i++) {
            $started[] = start($i % 2 === 0, $call, $settings);
        }
        $seen = array_merge($seen ?? [], $results = array_unique(array_map(fn($end) => explode("\n", $end())[0], $started)));
        $text = file_get_contents($log);
        $lines = array_map('json_decode', explode("\n", rtrim($text)));
        $count = array_count_values(array_map(fn($line) => $line->event, $lines));
        // Who comes after the fetch has nothing to tell.
        $waited = ($count['waited'] ?? 0) > 0 && $count['waited'] <= 8;
        unset($count['waited']);
        ksort($count);
        $fetches = array_filter($lines, fn($line) => in_array($line->event, ['refreshed', 'failed'], true));
        $requests = array_sum(array_map(fn($line) => $line->requests, $fetches));
        echo "$title, $leader: results: ", count($results), ', fetches: ', $emulator->fetches() - $before, ', requests in the log: ', $requests,
            ', ', json_encode($count), $waited ? '' : ', nobody waited', substr($text, -1) === "\n" ? '' : ', torn', "\n";
        foreach (array_merge($seen, ['an-old-token', Emulator::SECRET]) as $hidden) {
            if (strpos($hidden, 'WxToken') !== 0 && strpos($text, $hidden) !== false) {
                echo "the log shows $hidden\n";
            }
        }
    }
}

storm('expired', 'wx_get_token($argv[1])');
storm('wrong secret', 'wx_get_token($argv[1])', ['wx_token.appid' => Emulator::APPID, 'wx_token.secret' => 'f5f5f5f5']);
storm('rejected', "wx_refresh_token(\$argv[1], 'an-old-token')");

/** Calls that would create the log, which is a link to what is missing. */
function dangle(string $title, bool $extension): void
{
    global $directory, $file, $log;
    @unlink($log);
    symlink("$directory/elsewhere", $log);
    $calls = ['status' => 'json_encode(wx_token_status($argv[1])["log"]["error"])',
        'token' => 'wx_get_token($argv[1]) !== "an-old-token" ? wx_token_status($argv[1])["log"]["error"] : "an old token"'];
    foreach ($calls as $what => $call) {
        write_token($file, 'an-old-token', -1);
        $result = explode("\n", start($extension, $call, [])())[0];
        echo "$title, $what: ", str_replace($directory, 'DIR', $result), is_link($log) && !file_exists($log) ? '' : ', created elsewhere', "\n";
    }
    unlink($log);
}
dangle('extension', true);
dangle('polyfill', false);

echo "-- a log in another one's directory, created by root\n";
foreach (['extension' => true, 'polyfill' => false] as $title => $extension) {
    @unlink($log);
    write_token($file, 'an-old-token', -1);
    if (posix_geteuid() === 0) {
        chown($file, 33);
        chgrp($file, 33);
    }
    start($extension, 'wx_get_token($argv[1])', [])();
    clearstatcache();
    echo "$title: ", fileowner($log) === fileowner($file) && filegroup($log) === filegroup($file) ? 'the owner of the token file' : 'another owner',
        sprintf(', %04o', fileperms($log) & 07777), "\n";
}
?>
--CLEAN--
<?php
require __DIR__ . '/migration/programs.inc';
remove_directory(__DIR__ . '/030-log-of-both');
?>
--EXPECT--
expired, extension: results: 1, fetches: 1, requests in the log: 1, {"refreshed":1}
expired, polyfill: results: 1, fetches: 1, requests in the log: 1, {"refreshed":1}
wrong secret, extension: results: 1, fetches: 1, requests in the log: 1, {"failed":1}
wrong secret, polyfill: results: 1, fetches: 1, requests in the log: 1, {"failed":1}
rejected, extension: results: 1, fetches: 1, requests in the log: 1, {"refreshed":1,"rejected":9}
rejected, polyfill: results: 1, fetches: 1, requests in the log: 1, {"refreshed":1,"rejected":9}
extension, status: null
extension, token: cannot create DIR/log: no file can be created in DIR. Pass a path in another directory
polyfill, status: null
polyfill, token: cannot create DIR/log: no file can be created in DIR. Pass a path in another directory
-- a log in another one's directory, created by root
extension: the owner of the token file, 0640
polyfill: the owner of the token file, 0640
