--TEST--
$file must be a local path
--EXTENSIONS--
wx_token
--FILE--
<?php
// A message contains only the beginning of a path that is too long.
function shorten(string $message): string
{
    return preg_replace('~(a/){95,100}a?…~', '…', $message);
}

$long = str_repeat('a/', 3000) . 'token.json';
foreach (['', "a\0b", "\0", 'http://host/token.json', 'file:///tmp/token.json', 'php://memory', 'phar://x', $long, "/$long"] as $file) {
    foreach (['wx_get_token', 'wx_token_status'] as $function) {
        try {
            $result = $function($file, ...($function === 'wx_get_token' ? [['appid' => 'a', 'secret' => 'b']] : []));
            echo $result['state'], ': ', shorten($result['error']), "\n";
        } catch (Throwable $e) {
            echo $e::class, ': ', shorten($e->getMessage()), "\n";
        }
    }
}
?>
--EXPECT--
ValueError: wx_get_token(): Argument #1 ($file) must not be empty
ValueError: wx_token_status(): Argument #1 ($file) must not be empty
ValueError: wx_get_token(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_token_status(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_get_token(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_token_status(): Argument #1 ($file) must not contain any null bytes
ValueError: wx_get_token(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_token_status(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_get_token(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_token_status(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_get_token(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_token_status(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_get_token(): Argument #1 ($file) must be a local path, not a URL
ValueError: wx_token_status(): Argument #1 ($file) must be a local path, not a URL
WxToken\FileException: cannot open …: the name is too long. Pass a shorter path
WxToken\FileException: cannot open …: the name is too long. Pass a shorter path
WxToken\FileException: cannot open /…: the name is too long. Pass a shorter path
unusable: cannot open /…: the name is too long. Pass a shorter path
