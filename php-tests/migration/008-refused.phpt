--TEST--
A file that is no token file, or has two meanings, is refused with the way out, and left as it is
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/008-refused.txt';
$token = str_repeat('T', 157);
$loader = fn() => throw new LogicException('nothing may be fetched for this file');
foreach ([
    'expires_time' => '{"access_token":"' . $token . '","expires_time":1600000000}',
    'two expiries' => '{"access_token":"' . $token . '","expire":1600000000,"expires_at":1600000000}',
    'token and ticket' => '{"access_token":"' . $token . '","jsapi_ticket":"' . $token . '","expire":1600000000}',
    'the time of the fetch, under a name of its own' => '{"last_access_token":"' . $token . '","last_access_token_time":1600000000}',
    'plain text' => "$token\n",
    'the expiry alone, beside a plain token' => "1600000000\n",
    'var_export()' => "<?php\n\$access_token = array('access_token' => '$token', 'expires' => 1600000000);\n?>",
    'return of an array' => "<?php return ['access_token' => '$token', 'expires' => 1600000000];",
    'another guard' => "<?php die; ?>{\"access_token\":\"$token\",\"expire_time\":1600000000}",
    'serialize() of other keys' => serialize(['token' => $token, 'expire' => 1600000000]),
    'a ticket file' => '{"jsapi_ticket":"' . $token . '","expire_time":1600000000}',
    'composer.json' => '{"name":"a/b","require":{}}',
    'text' => "Disallow: /\n",
] as $form => $content) {
    echo "-- $form\n";
    file_put_contents($file, $content);
    attempt(fn() => wx_get_token($file, $loader));
    var_dump(file_get_contents($file) === $content);
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/008-refused.txt'); ?>
--EXPECT--
-- expires_time
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: its "expires_time" may be the time of the fetch or the expiry: say which with the option layout, "expires_time:fetched" or "expires_time:expiry"; it was left as it is: name another path, or remove the file
bool(true)
-- two expiries
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it has two expiries: say which counts with the option layout; it was left as it is: name another path, or remove the file
bool(true)
-- token and ticket
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it keeps two tokens or tickets with one expiry; give each a file of its own; it was left as it is: name another path, or remove the file
bool(true)
-- the time of the fetch, under a name of its own
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: its expiry stands under a key whose meaning is not known; it was left as it is: name another path, or remove the file
bool(true)
-- plain text
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it may be a token alone, as a text file or as one of two; with the option layout "plain" it counts as one that lives two hours from the file's modification; it was left as it is: name another path, or remove the file
bool(true)
-- the expiry alone, beside a plain token
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it does not begin like one; it was left as it is: name another path, or remove the file
bool(true)
-- var_export()
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is PHP source, perhaps a var_export() cache, which is never executed; keep the token in a JSON file, or write this one in a loader; it was left as it is: name another path, or remove the file
bool(true)
-- return of an array
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is PHP source, perhaps a var_export() cache, which is never executed; keep the token in a JSON file, or write this one in a loader; it was left as it is: name another path, or remove the file
bool(true)
-- another guard
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is PHP source, perhaps a var_export() cache, which is never executed; keep the token in a JSON file, or write this one in a loader; it was left as it is: name another path, or remove the file
bool(true)
-- serialize() of other keys
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is a serialized array without "value" and "expired"; it was left as it is: name another path, or remove the file
bool(true)
-- a ticket file
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it keeps another kind of token or ticket; it was left as it is: name another path, or remove the file
bool(true)
-- composer.json
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is JSON with neither what is kept here nor its expiry; it was left as it is: name another path, or remove the file
bool(true)
-- text
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it does not begin like one; it was left as it is: name another path, or remove the file
bool(true)
