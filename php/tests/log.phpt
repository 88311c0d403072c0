--TEST--
The log of the polyfill tells each event, one whole line each, and costs nobody a token where it cannot be written
--FILE--
<?php
require __DIR__ . '/calls.inc';
$folder = __DIR__ . '/log';
mkdir($folder);
$file = "$folder/token.json";
$log = "$folder/events";
$emulator = proc_open([getenv('WECHAT_EMULATOR'), '--exit-with-stdin', '--latency', '500'], [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
preg_match('~ listening on (http://\S+)~', (string) fgets($pipes[1]), $match) || exit('the emulator did not start');
$settings = [
    'wx_token.api_base' => $match[1], 'wx_token.appid' => 'wx0123456789abcdef', 'wx_token.secret' => '0123456789abcdef0123456789abcdef',
    'wx_token.log' => $log, 'wx_token.lock_timeout' => '0.1', 'log_errors' => '1', 'error_log' => "$folder/errors",
];

/** Waits until `$condition` is true. */
function until(callable $condition)
{
    for ($deadline = microtime(true) + 60; !$condition(); usleep(2000)) {
        microtime(true) < $deadline || exit('it never came');
    }
}

/** The lines that have been written since, as objects. */
function lines(): array
{
    global $log;
    $text = (string) @file_get_contents($log);
    @unlink($log);
    if ($text !== '' && substr($text, -1) !== "\n") {
        echo "torn: $text\n";
    }
    return array_map('json_decode', array_filter(explode("\n", $text)));
}

/** Shows the lines, without moments and what differs from run to run. */
function tell(string $title)
{
    echo "-- $title\n";
    foreach (lines() as $line) {
        $shown = [];
        foreach ((array) $line as $name => $value) {
            if (in_array($name, ['time', 'retry_at', 'expires_at'], true)) {
                $value = preg_match('/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/D', $value) === 1 ? 'T' : $value;
            } elseif ($name === 'host') {
                $value = $value === php_uname('n') ? 'HOST' : $value;
            } elseif (in_array($name, ['fetch_ms', 'waited_ms', 'pid', 'holder_pid', 'new'], true)) {
                $value = is_int($value) || preg_match('/^[0-9a-f]{8}$/D', $value) === 1 ? '*' : $value;
            }
            $shown[] = "$name=" . (is_string($value) ? str_replace(__DIR__ . '/', '', preg_replace(['/ rid: [\w-]+/', '/process \d+ \([^)]*\)/'], ['', 'process N'], $value)) : json_encode($value));
        }
        echo implode(' ', $shown), "\n";
    }
}

function expired(array $more = [])
{
    global $file;
    file_put_contents($file, json_encode(['access_token' => 'old', 'expire' => 1] + $more));
}

expired();
end_call(start_call($settings, "wx_get_token('$file')"));
tell('expired');
$token = json_decode(file_get_contents($file))->access_token;
end_call(start_call($settings, "wx_get_token('$file')"));
tell('fresh');
end_call(start_call($settings, "wx_refresh_token('$file', 'rejected-before')"));
tell('rejected before');
expired();
end_call(start_call(['wx_token.secret' => 'wrong'] + $settings, "wx_get_token('$file')"));
tell('wrong secret');
expired();
end_call(start_call($settings, "wx_get_token('$file', function () { throw new Exception('it holds a secret'); })"));
tell('a loader throws');
end_call(start_call($settings, "wx_get_ticket('$folder/ticket.json', '$folder/new.json', 'wx_card')"));
tell('ticket and token');

expired();
$lock = fopen($file, 'r+');
flock($lock, LOCK_EX);
end_call(start_call($settings, "wx_get_token('$file')"));
end_call(start_call($settings, "wx_with_lock('$file', 'time', 0.1)"));
fclose($lock);
tell('locked');

expired();
$call = start_call($settings, "wx_get_token('$file')");
until(function () use ($folder) { return glob("$folder/.token.json.wx_token.*") !== []; });
file_put_contents($file, json_encode(['access_token' => 'of-legacy-code', 'expire' => time() + 7000]));
end_call($call);
tell('another program writes meanwhile');

// Made after the token was due, the leftover tells that a refresh was cut off.
file_put_contents($file, json_encode(['access_token' => 'due', 'expire' => time() + 290]));
touch("$folder/.token.json.wx_token.abcdef", time() + 1);
end_call(start_call(['wx_token.endpoint' => 'classic'] + $settings, "wx_refresh_token('$file', 'due')"));
tell('cut off');

foreach (['error', 'warning', 'notice', 'info', 'debug'] as $level) {
    expired();
    end_call(start_call(['wx_token.log_level' => $level] + $settings, "wx_refresh_token('$file', 'old')"));
    echo "$level: ", implode(' ', array_column(lines(), 'event')), "\n";
}

echo "-- long and odd names\n";
$odd = "$folder/" . str_repeat("\"\n\xff文", 20);
$script = $odd . str_repeat('\\', 100) . '.php';
file_put_contents($script, '<?php chdir("/"); wx_get_token(' . var_export($odd, true) . ', function () { throw new Exception; });');
$command = [PHP_BINARY, '-n', '-d', "wx_token.log=$log", '-d', 'auto_prepend_file=' . getenv('WX_TOKEN_POLYFILL'), '-d', 'error_log=/dev/null', '-d', 'display_errors=0'];
proc_close(proc_open(array_merge($command, extension_loaded('json') && file_exists(ini_get('extension_dir') . '/json.so') ? ['-d', 'extension=json'] : [], [basename($script)]), [1 => ['file', '/dev/null', 'w']], $none, $folder));
$text = file_get_contents($log);
$line = lines()[0];
var_dump(strlen($text) <= 4096, preg_match('/[\x00-\x09\x0b-\x1f\x7f]/', $text), substr_count($text, "\n"), strpos($line->file, '\n\xff文') !== false);
var_dump(strpos($line->script, "$folder/") === 0, substr($line->script, -3) === '…');

foreach (['"', '\\\\', "\\n", '文', "\\xff", 'a'] as $text) {
    $long = "str_repeat(\"" . ($text === '"' ? '\\"' : $text) . '", 5000)';
    end_call(start_call($settings, "WxToken\\Polyfill\\Log::write('failed', $long, 253402300800000, ['appid' => WxToken\\Polyfill\\Log::name($long), 'message' => WxToken\\Polyfill\\Log::message($long)])"));
    $length = filesize($log);
    $line = lines()[0];
    echo $length > 2500 && $length <= 4096 ? 'at most 4096 bytes' : $length, ', ', substr($line->file, -3), substr($line->appid, -3), substr($line->message, -3), " $line->time\n";
    clearstatcache();
}

echo "-- where it cannot be written\n";
unlink("$folder/errors");
mkdir("$folder/directory");
exec('mkfifo ' . escapeshellarg("$folder/unread") . ' ' . escapeshellarg("$folder/full"));
$pipe = fopen("$folder/full", 'r+n');
stream_set_blocking($pipe, false);
while (fwrite($pipe, str_repeat('x', 4096))) {
    continue;
}
symlink('/dev/full', "$folder/full disk");
symlink("$folder/elsewhere", "$folder/link");
foreach (["$folder/directory", "$folder/unread", "$folder/full", "$folder/full disk", "$folder/missing/log", "$folder/link", 'relative'] as $place) {
    expired();
    $call = "json_encode([wx_get_token('$file') !== '', wx_token_status('$file')['log']], JSON_UNESCAPED_SLASHES)";
    echo str_replace(["$folder/", $folder], ['', 'DIR'], end_call(start_call(['wx_token.log' => $place] + $settings, $call))), "\n";
    preg_match_all('/wx_token: .*\n/', file_get_contents("$folder/errors"), $told);
    echo str_replace(["$folder/", $folder], ['', 'DIR'], implode($told[0]));
    @unlink("$folder/errors");
}
fclose($pipe);
echo end_call(start_call(['wx_token.log' => "$folder/link"] + $settings, "json_encode(wx_token_status('$file')['log']['error'])")),
    ', elsewhere: ', json_encode(file_exists("$folder/elsewhere")), "\n";

expired();
end_call(start_call(['wx_token.log' => "$folder/made"] + $settings, "wx_get_token('$file')"));
printf("a new log: %04o\n", fileperms("$folder/made") & 07777);
fclose($pipes[0]);
proc_close($emulator);
?>
--CLEAN--
<?php exec('rm -r ' . escapeshellarg(__DIR__ . '/log')); ?>
--EXPECT--
-- expired
time=T event=refreshed level=notice file=log/token.json appid=wx0123456789abcdef endpoint=stable requests=1 fetch_ms=* waited_ms=* old=cba06b57 new=* expires_at=T host=HOST pid=* sapi=cli
-- fresh
-- rejected before
time=T event=rejected level=warning file=log/token.json appid=wx0123456789abcdef waited_ms=* old=64fa65a4 new=* host=HOST pid=* sapi=cli
-- wrong secret
time=T event=failed level=error file=log/token.json appid=wx0123456789abcdef endpoint=stable requests=1 fetch_ms=* waited_ms=* errcode=40125 message=WeChat answered errcode 40125 (invalid appsecret). Check the AppSecret: perhaps it was reset in WeChat's console retry_at=T failures=1 old=cba06b57 host=HOST pid=* sapi=cli
-- a loader throws
time=T event=failed level=error file=log/token.json endpoint=loader fetch_ms=* waited_ms=* message=the loader threw Exception in another call. See the error log of that process retry_at=T failures=1 old=cba06b57 host=HOST pid=* sapi=cli
-- ticket and token
time=T event=refreshed level=notice file=log/new.json appid=wx0123456789abcdef endpoint=stable requests=1 fetch_ms=* waited_ms=* new=* expires_at=T host=HOST pid=* sapi=cli
time=T event=refreshed level=notice file=log/ticket.json ticket=wx_card appid=wx0123456789abcdef endpoint=stable requests=1 fetch_ms=* waited_ms=* new=* expires_at=T host=HOST pid=* sapi=cli
-- locked
time=T event=lock_timeout level=error file=log/token.json appid=wx0123456789abcdef waited_ms=* message=cannot lock log/token.json: the lock was not acquired within 0.1 s; process N holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout) holder_pid=* host=HOST pid=* sapi=cli
time=T event=lock_timeout level=error file=log/token.json waited_ms=* message=cannot lock log/token.json: the lock was not acquired within 0.1 s; process N holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout) holder_pid=* host=HOST pid=* sapi=cli
-- another program writes meanwhile
time=T event=displaced level=warning file=log/token.json appid=wx0123456789abcdef endpoint=stable requests=1 fetch_ms=* waited_ms=* old=cba06b57 new=* expires_at=T host=HOST pid=* sapi=cli
time=T event=waited level=info file=log/token.json appid=wx0123456789abcdef endpoint=stable waited_ms=* new=* host=HOST pid=* sapi=cli
-- cut off
time=T event=interrupted level=warning file=log/token.json appid=wx0123456789abcdef endpoint=classic waited_ms=* host=HOST pid=* sapi=cli
time=T event=refreshed level=notice file=log/token.json appid=wx0123456789abcdef endpoint=classic requests=1 fetch_ms=* waited_ms=* old=458a4770 new=* expires_at=T host=HOST pid=* sapi=cli
time=T event=rejected level=warning file=log/token.json appid=wx0123456789abcdef waited_ms=* old=458a4770 new=* host=HOST pid=* sapi=cli
error: 
warning: rejected
notice: refreshed rejected
info: refreshed rejected
debug: refreshed rejected
-- long and odd names
bool(true)
int(0)
int(1)
bool(true)
bool(true)
bool(true)
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
at most 4096 bytes, ……… 9999-12-31T23:59:59.000Z
-- where it cannot be written
[true,{"place":"directory","error":"cannot write directory: it is a directory. Pass the path of a regular file"}]
wx_token: wx_token.log: cannot write directory: it is a directory. Pass the path of a regular file
[true,{"place":"unread","error":"cannot write unread: it is a pipe, and no process reads it. Start that process, or log to a file"}]
wx_token: wx_token.log: cannot write unread: it is a pipe, and no process reads it. Start that process, or log to a file
[true,{"place":"full","error":"cannot write full: Resource temporarily unavailable. Check the file system"}]
wx_token: wx_token.log: cannot write full: Resource temporarily unavailable. Check the file system
[true,{"place":"full disk","error":"cannot write full disk: No space left on device. Free some space; the old content is untouched"}]
wx_token: wx_token.log: cannot write full disk: No space left on device. Free some space; the old content is untouched
[true,{"place":"missing/log","error":"cannot create missing/log: the directory missing does not exist. Create it, or pass another path"}]
wx_token: wx_token.log: cannot create missing/log: the directory missing does not exist. Create it, or pass another path
[true,{"place":"link","error":"cannot create link: no file can be created in DIR. Pass a path in another directory"}]
wx_token: wx_token.log: cannot create link: no file can be created in DIR. Pass a path in another directory
[true,null]
wx_token: wx_token.log must be an absolute path, or "syslog"; it stays empty
null, elsewhere: false
a new log: 0640
