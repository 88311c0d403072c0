--TEST--
phpinfo() shows neither the secret nor a proxy's password
--EXTENSIONS--
wx_token
--INI--
wx_token.appid=wx1
wx_token.secret=must-not-be-shown
wx_token.proxy=http://user:must-not-be-shown@127.0.0.1:1
--FILE--
<?php
ob_start();
(new ReflectionExtension('wx_token'))->info();
phpinfo(INFO_MODULES | INFO_CONFIGURATION);
$shown = ob_get_clean();
preg_match_all('/^wx_token\.(?:appid|secret|proxy|accounts|accounts_file) => .*/m', $shown, $rows);
$rows = array_unique($rows[0]);
sort($rows);
echo implode("\n", $rows), "\n";
var_dump(str_contains($shown, 'must-not-be-shown'));
?>
--EXPECT--
wx_token.accounts => no value => no value
wx_token.accounts_file => no value => no value
wx_token.appid => wx1 => wx1
wx_token.proxy => (hidden) => (hidden)
wx_token.secret => (hidden) => (hidden)
bool(false)
