--TEST--
A token that the polyfill remembers is returned until the file changes, in whatever way and however soon
--FILE--
<?php
$file = __DIR__ . '/memory.json';
$options = ['appid' => 'wx1', 'secret' => 's'];
function content(string $token): string
{
    return json_encode(['access_token' => $token, 'expire' => time() + 7000]);
}
function remembered(string $file): ?string
{
    return WxToken\Polyfill\Memory::recall($file, 'token', 300.0);
}
/** The same version of a file, as far as PHP sees it, within one second. */
$rewrite = function (string $token) use ($file) { file_put_contents($file, content($token)); };
$replace = function (string $token) use ($file) {
    file_put_contents("$file.new", content($token));
    rename("$file.new", $file);
};

echo "-- within a second\n";
foreach ([$rewrite, $replace] as $change) {
    for ($i = 0; $i < 5; $i++) {
        $change("token-$i");
        $got = [wx_get_token($file), wx_get_token($file, $options), wx_get_token($file), wx_try_token($file)];
        echo implode(' ', array_unique($got)), "\n";
    }
}

echo "-- remembered\n";
foreach ([$rewrite, $replace] as $number => $change) {
    for ($deadline = microtime(true) + 60; remembered($file) === null && microtime(true) < $deadline; usleep(20000)) {
        wx_get_token($file);
    }
    echo remembered($file), ' ', wx_get_token($file), ', due: ', json_encode(WxToken\Polyfill\Memory::recall($file, 'token', 7200.0)), "\n";
    $change("after-$number");
    var_dump(remembered($file));
    echo wx_get_token($file), "\n";
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/memory.json*')); ?>
--EXPECT--
-- within a second
token-0
token-1
token-2
token-3
token-4
token-0
token-1
token-2
token-3
token-4
-- remembered
token-4 token-4, due: null
NULL
after-0
after-0 after-0, due: null
NULL
after-1
