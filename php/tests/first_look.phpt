--TEST--
The first look of the polyfill finds what a proper look finds, or leaves it to that one
--FILE--
<?php
use function WxToken\Polyfill\first_look;

$folder = __DIR__ . '/first_look';
mkdir($folder);
$expiry = time() + 7000;
$json = '{"access_token":"A-1_z","expire":' . $expiry . '}';
$contents = [
    'usual' => $json,
    'expire_time' => str_replace('expire', 'expire_time', $json),
    'expires_at' => str_replace('expire', 'expires_at', $json),
    'guarded' => "<?php exit();?>$json",
    'other guard' => "<?php die(); ?>$json",
    'line break' => "$json\n",
    'blank' => str_replace(':', ': ', $json),
    'more members' => str_replace('}', ',"a":1}', $json),
    'expiry first' => '{"expire":' . $expiry . ',"access_token":"A-1_z"}',
    'two objects' => $json . $json,
    'torn' => substr($json, 0, -1),
    'torn number' => substr($json, 0, -3) . '}',
    'escape' => str_replace('-', '\/', $json),
    'no token' => str_replace('A-1_z', '', $json),
    'space in the token' => str_replace('-', ' ', $json),
    'due' => str_replace((string) $expiry, (string) (time() + 200), $json),
    'expired' => str_replace((string) $expiry, (string) (time() - 1), $json),
    'longer than a day' => str_replace((string) $expiry, (string) (time() + 90000), $json),
    'duration' => str_replace('expire', 'expires_in', $json),
    'other key' => str_replace('expire', 'until', $json),
    'ticket' => str_replace('access_token', 'jsapi_ticket', $json),
    'long' => str_replace('A-1_z', str_repeat('a', 5000), $json),
    'empty' => '',
];
foreach ($contents as $name => $content) {
    file_put_contents("$folder/$name", $content);
}
exec('mkfifo ' . escapeshellarg("$folder/FIFO"));
clearstatcache();
for ($written = filectime("$folder/empty"); time() < $written + 3; usleep(20000)) {
    continue;
}
file_put_contents("$folder/just now", $json);

set_error_handler(function (int $level, string $message) {
    echo "warned: $message\n";
});
$found = [];
foreach (array_merge(array_keys($contents), ['FIFO', 'just now', 'missing']) as $name) {
    $found[$name] = first_look("$folder/$name", null);
}
$found['relative'] = first_look(basename(__DIR__) . '/usual', null);
$found['account'] = first_look("$folder/usual", ['appid' => 'wx1', 'secret' => 's']);
foreach ([['appid' => 'wx1'], ['appid' => '', 'secret' => 's'], ['appid' => 'wx1', 'secret' => "s\0"], ['appid' => 'wx1', 'layout' => 'csv']] as $bad) {
    $found[json_encode($bad)] = first_look("$folder/usual", $bad);
}
var_dump(error_get_last(), class_exists(WxToken\Polyfill\UnstoredToken::class, false));
echo 'found: ', implode(', ', array_keys(array_filter($found))), "\n";
foreach (array_filter($found) as $name => $token) {
    $file = "$folder/" . ($name === 'account' ? 'usual' : $name);
    if ($token !== 'A-1_z' || $token !== wx_get_token($file) || wx_token_status($file)['state'] !== 'fresh') {
        echo "$name: $token\n";
    }
}
echo 'after a proper look: ', json_encode(first_look("$folder/usual", null)), "\n";
?>
--CLEAN--
<?php
array_map('unlink', glob(__DIR__ . '/first_look/*'));
rmdir(__DIR__ . '/first_look');
?>
--EXPECT--
NULL
bool(false)
found: usual, expire_time, expires_at, guarded, account
after a proper look: null
