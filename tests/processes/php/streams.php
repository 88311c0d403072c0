<?php
// A daemon: closes the streams that $argv[3] names, then makes every kind of call in the directory
// $argv[1], and prints all the while. What came of the calls goes to the file $argv[2], as JSON.
[, $dir, $report, $streams, $busy] = $argv;
$due = json_decode(file_get_contents("$dir/due.json"), true)['access_token'];
// Before anything is closed: these are the daemon's own, and no standard streams.
$report = fopen($report, 'w');
$own = fopen("$dir/own.json", 'c+');
flock($own, LOCK_EX);
set_exception_handler(fn(Throwable $e) => fwrite($report, json_encode((string) $e)));
// A daemon does not end because nobody hears it.
ignore_user_abort(true);
foreach (explode(' ', $streams) as $stream) {
    fclose(constant($stream));
}

function page(): void
{
    echo "PAGE\n";
    flush();
    error_log('PAGE');
}

function failure(callable $call): string
{
    try {
        $call();
    } catch (WxToken\LockException $e) {
        return $e->getMessage();
    }
    return 'no exception';
}

$answers = [];
page();
$answers['expired'] = wx_get_token("$dir/expired.json");
page();
$answers['missing'] = wx_get_token("$dir/missing.json");
page();
$deadline = hrtime(true) + 20e9;
do {
    $answers['due'] = wx_get_token("$dir/due.json");
    // Meanwhile the refresh opens what it needs, on its own thread, if strace comes to serve that.
    for ($i = 0; $i < 20; $i++) { page(); }
    usleep(1000);
} while ($answers['due'] === $due && hrtime(true) < $deadline);
$answers['rejected'] = wx_refresh_token("$dir/rejected.json", 'rejected');
page();
$answers['ticket'] = wx_get_ticket("$dir/ticket.json", "$dir/expired.json");
page();
$answers['loader'] = wx_get_token("$dir/loader.json", function () {
    page();
    return ['access_token' => 'from-the-loader', 'expires_in' => 7200];
});
$answers['within'] = wx_with_lock("$dir/within.json", function () use ($dir) {
    page();
    $answers = [wx_token_status("$dir/within.json")['holder_pid'] === getmypid(), wx_get_token("$dir/within.json")];
    page();
    return $answers;
});
$answers['status'] = wx_token_status("$dir/expired.json")['state'];
page();
$answers['own'] = failure(fn() => wx_with_lock("$dir/own.json", fn() => null));
$answers['busy'] = failure(fn() => wx_with_lock($busy, fn() => null, 0.05));
page();
fwrite($report, json_encode($answers));
