--TEST--
What replaces a file that a web server runs is run by it, too, and leftovers of both names are removed
--FILE--
<?php
require __DIR__ . '/calls.inc';
$folder = __DIR__ . '/staged';
mkdir($folder);
function names(string $folder): array
{
    return array_values(array_diff(scandir($folder), ['.', '..']));
}
foreach (['token.php', 'token.json'] as $name) {
    $leftovers = [".$name.wx_token.aB3dE9", ".$name.wx_token.aB3dE8.php"];
    foreach ($leftovers as $leftover) {
        touch("$folder/$leftover", 1);
    }
    $code = "function () { return ['access_token' => implode('|', array_diff(scandir('$folder'), ['.', '..'])), 'expires_in' => 7200]; }";
    $staged = array_diff(explode('|', end_call(start_call([], "wx_get_token('$folder/$name', $code)"))), $leftovers, [$name]);
    echo $name, ': ', implode(' ', preg_replace('/wx_token\.\w{6}/', 'wx_token.XXXXXX', $staged)), ', afterwards: ', implode(' ', names($folder)), "\n";
    unlink("$folder/$name");
}
?>
--CLEAN--
<?php exec('rm -r ' . escapeshellarg(__DIR__ . '/staged')); ?>
--EXPECT--
token.php: .token.php.wx_token.XXXXXX.php, afterwards: token.php
token.json: .token.json.wx_token.XXXXXX, afterwards: token.json
