--TEST--
A token that the polyfill could not store is returned in place of the fresh one in the file, and stored once that is possible
--FILE--
<?php
use WxToken\Polyfill\{Clock, Token, UnstoredToken};

$file = __DIR__ . '/unstored.json';
file_put_contents($file, json_encode(['access_token' => 'stored', 'expire' => time() + 7000]));
clearstatcache();
for ($written = filectime($file); time() < $written + 3; usleep(20000)) {
    continue;
}
echo wx_get_token($file), "\n";
$token = Token::own('not-stored', Clock::now() + 7000000);
UnstoredToken::keep(realpath($file), new UnstoredToken($token, Clock::now(), 'stored', Clock::now(), null));
// Without an account, nothing is stored.
echo wx_get_token($file), ' ', wx_get_token($file), ', ', json_decode(file_get_contents($file))->access_token, "\n";
echo wx_get_token($file, ['appid' => 'wx1', 'secret' => 's']), ', ', json_decode(file_get_contents($file))->access_token, "\n";
?>
--CLEAN--
<?php unlink(__DIR__ . '/unstored.json'); ?>
--EXPECT--
stored
not-stored not-stored, stored
not-stored, not-stored
