--TEST--
A path that can name nothing but a directory is refused at once, and nothing is made
--EXTENSIONS--
wx_token
--FILE--
<?php
class Path {
    private $path;
    function __construct(string $path) { $this->path = $path; }
    function __toString(): string { return $this->path; }
}
$dir = __DIR__ . '/020-path-names-directory';
mkdir($dir);
chdir($dir);
$account = ['appid' => 'wx1', 'secret' => 's'];
$calls = [
    'wx_get_token' => fn($file) => wx_get_token($file, $account),
    'wx_refresh_token' => fn($file) => wx_refresh_token($file, 'old', $account),
    'wx_get_ticket' => fn($file) => wx_get_ticket($file, "$dir/token.json", 'jsapi', $account),
    'wx_get_ticket, tokenFile' => fn($file) => wx_get_ticket("$dir/ticket.json", $file, 'jsapi', $account),
    'wx_token_status' => fn($file) => wx_token_status($file),
    'wx_with_lock' => fn($file) => wx_with_lock($file, fn() => 'called'),
];
$strict = eval('declare(strict_types=1); return fn($file) => wx_token_status($file);');
$refused = 0;
foreach ($calls + ['strict' => $strict] as $name => $call) {
    $messages = [];
    foreach (['x/', 'x//', "$dir/x/", 'x/.', 'x/..', '.', '..', '/', '//', './', 'x/./'] as $path) {
        try {
            $call($path);
            echo "$name takes $path\n";
        } catch (Throwable $e) {
            $messages[get_class($e) . ': ' . $e->getMessage()] = true;
            $refused += 1;
        }
    }
    echo "$name\n  ", implode("\n  ", array_keys($messages)), "\n";
}
echo $refused, ' refused, made: ', json_encode(array_diff(scandir($dir), ['.', '..'])), "\n";

// An object and a number become strings first; dots in a name are a name.
foreach ([new Path("$dir/x/"), '...', '.x', 'x.', '..x', 'a/../x'] as $path) {
    try {
        echo wx_token_status($path)['state'], "\n";
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--CLEAN--
<?php
$dir = __DIR__ . '/020-path-names-directory';
array_map('unlink', glob("$dir/*"));
rmdir($dir);
?>
--EXPECT--
wx_get_token
  ValueError: wx_get_token(): Argument #1 ($file) must name a file, not a directory
wx_refresh_token
  ValueError: wx_refresh_token(): Argument #1 ($file) must name a file, not a directory
wx_get_ticket
  ValueError: wx_get_ticket(): Argument #1 ($ticketFile) must name a file, not a directory
wx_get_ticket, tokenFile
  ValueError: wx_get_ticket(): Argument #2 ($tokenFile) must name a file, not a directory
wx_token_status
  ValueError: wx_token_status(): Argument #1 ($file) must name a file, not a directory
wx_with_lock
  ValueError: wx_with_lock(): Argument #1 ($file) must name a file, not a directory
strict
  ValueError: wx_token_status(): Argument #1 ($file) must name a file, not a directory
77 refused, made: []
wx_token_status(): Argument #1 ($file) must name a file, not a directory
missing
missing
missing
missing
missing
