--TEST--
What is to replace a guarded file has a name that a web server runs, and begins with the guard
--EXTENSIONS--
wx_token
--FILE--
<?php
$directory = __DIR__ . '/015-replacement-is-run';
mkdir($directory);
foreach (['token.php', 'token.json'] as $name) {
    wx_get_token("$directory/$name", function () use ($directory) {
        foreach (preg_grep('/^\.token/', scandir($directory)) as $temporary) {
            echo preg_replace('/\.\w{6}(?=\.php$|$)/', '.RANDOM', $temporary), "\n";
        }
        return ['access_token' => str_repeat('T', 40), 'expires_in' => 7200];
    });
    echo substr(file_get_contents("$directory/$name"), 0, 15), "\n";
}
echo implode(' ', array_diff(scandir($directory), ['.', '..'])), "\n";
?>
--CLEAN--
<?php exec('rm -r ' . escapeshellarg(__DIR__ . '/015-replacement-is-run')); ?>
--EXPECT--
.token.php.wx_token.RANDOM.php
<?php exit();?>
.token.json.wx_token.RANDOM
{"access_token"
token.json token.php
