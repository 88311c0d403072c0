--TEST--
A loader and a token that is due: one caller refreshes it, nobody waits, and no failure disturbs
--EXTENSIONS--
wx_token
pcntl
--INI--
wx_token.refresh_ahead=300
wx_token.lock_timeout=10
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/008-due.json';
$failed_before = ['wx_token' => ['network' => 'before', 'failed_at_ms' => 1, 'retry_at_ms' => 2, 'failures' => 6]];
$calls = 0;
$loader = function () use (&$calls) {
    $calls++;
    return ['access_token' => "new$calls", 'expires_in' => 7200];
};
$throwing = function () use (&$calls) {
    $calls++;
    throw new RuntimeException('must not be seen');
};
function show_file(): void {
    global $file, $calls;
    $status = wx_token_status($file);
    echo $status['state'], ', in the file: ', json_decode(file_get_contents($file))->access_token, ", calls: $calls, failure: ",
        $status['failure']['message'] ?? 'none', "\n";
}

echo "-- the caller that refreshes has the new token\n";
write_token($file, 'old', 100);
attempt(fn() => wx_get_token($file, $loader));
attempt(fn() => wx_get_token($file, $loader));
show_file();

echo "-- a loader that throws\n";
write_token($file, 'old', 100, $failed_before);
$calls = 0;
attempt(fn() => wx_get_token($file, $throwing));
attempt(fn() => wx_get_token($file, $throwing));
attempt(fn() => wx_get_token($file, $loader));
show_file();
var_dump(wx_token_status($file)['failure']['retry_at'] > time() + 20, others_can_lock($file), error_get_last());

echo "-- a loader with a bad answer, or WeChat's refusal\n";
foreach ([['access_token' => 'x'], '{"errcode":40013,"errmsg":"invalid appid"}'] as $answer) {
    write_token($file, 'old', 100, $failed_before);
    $calls = 0;
    $bad = function () use (&$calls, $answer) {
        $calls++;
        return $answer;
    };
    attempt(fn() => wx_get_token($file, $bad));
    attempt(fn() => wx_get_token($file, $bad));
    show_file();
}

echo "-- a token that is due as soon as it is had is left alone\n";
write_token($file, 'old', 100);
$calls = 0;
$short = function () use (&$calls) {
    $calls++;
    return ['access_token' => "short$calls", 'expires_in' => 200];
};
attempt(fn() => wx_get_token($file, $short));
attempt(fn() => wx_get_token($file, $short));
show_file();

echo "-- while another process refreshes, or holds the lock, the current token will do\n";
write_token($file, 'old', 100);
$calls = 0;
$other = fork(function (Peer $parent) use ($file) {
    $parent->say(wx_get_token($file, function () use ($parent) {
        $parent->say('loads');
        $parent->hear();
        return ['access_token' => 'of-the-other', 'expires_in' => 7200];
    }));
});
echo $other->hear(), "\n";
attempt(fn() => wx_get_token($file, $loader));
$status = wx_token_status($file);
var_dump($status['refreshing'], $status['holder_pid'] === $other->pid);
show_file();
$other->say('go on');
echo $other->hear(), "\n";
$other->end();
show_file();
write_token($file, 'old', 100);
$holder = holder($file);
attempt(fn() => wx_get_token($file, $loader));
show_file();
$holder->say('release');
$holder->say('end');
$holder->end();

echo "-- also while this process holds the lock\n";
$handle = fopen($file, 'r+');
flock($handle, LOCK_EX);
attempt(fn() => wx_get_token($file, $loader));
fclose($handle);
attempt(fn() => wx_with_lock($file, fn() => wx_get_token($file, $loader)));
show_file();
?>
--CLEAN--
<?php @unlink(__DIR__ . '/008-due.json'); ?>
--EXPECT--
-- the caller that refreshes has the new token
"new1"
"new1"
fresh, in the file: new1, calls: 1, failure: none
-- a loader that throws
"old"
"old"
"old"
due, in the file: old, calls: 1, failure: the loader threw RuntimeException in another call. See the error log of that process
bool(true)
bool(true)
NULL
-- a loader with a bad answer, or WeChat's refusal
"old"
"old"
due, in the file: old, calls: 1, failure: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time)
"old"
"old"
due, in the file: old, calls: 1, failure: invalid appid
-- a token that is due as soon as it is had is left alone
"short1"
"short1"
due, in the file: short1, calls: 1, failure: none
-- while another process refreshes, or holds the lock, the current token will do
loads
"old"
bool(true)
bool(true)
due, in the file: old, calls: 0, failure: none
of-the-other
fresh, in the file: of-the-other, calls: 0, failure: none
"old"
due, in the file: old, calls: 0, failure: none
-- also while this process holds the lock
"old"
"old"
due, in the file: old, calls: 0, failure: none
