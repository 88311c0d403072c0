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
WxToken\FileException: cannot use 008-refused.txt: its "expires_time" has two possible meanings. Pass 'layout' => 'expires_time:expiry' if it is the expiry, or 'layout' => 'expires_time:fetched' if it is the time of the fetch; the file is unchanged
bool(true)
-- two expiries
WxToken\FileException: cannot use 008-refused.txt: it has two expiry keys, "expire" and "expires_at". Pass the right one as the option 'layout'; the file is unchanged
bool(true)
-- token and ticket
WxToken\FileException: cannot use 008-refused.txt: it contains "access_token" and "jsapi_ticket" with one expiry. Give each a file of its own; the file is unchanged
bool(true)
-- the time of the fetch, under a name of its own
WxToken\FileException: cannot use 008-refused.txt: its expiry seems to stand under the key "last_access_token_time", which is not supported. Rename that key to "expires_at" if it is the expiry, or pass the path of a new file; the file is unchanged
bool(true)
-- plain text
WxToken\FileException: cannot use 008-refused.txt: it seems to contain only a token. Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification; the file is unchanged
bool(true)
-- the expiry alone, beside a plain token
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged
bool(true)
-- var_export()
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token never runs. Pass the path of a JSON file, or write this file in a loader; the file is unchanged
bool(true)
-- return of an array
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token never runs. Pass the path of a JSON file, or write this file in a loader; the file is unchanged
bool(true)
-- another guard
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token never runs. Pass the path of a JSON file, or write this file in a loader; the file is unchanged
bool(true)
-- serialize() of other keys
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is a serialized array without "value" and "expired". Check the path; the file is unchanged
bool(true)
-- a ticket file
WxToken\FileException: cannot use 008-refused.txt: it contains "jsapi_ticket", not "access_token". Check the path: each kind of token or ticket has a file of its own; the file is unchanged
bool(true)
-- composer.json
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is JSON without a token and its expiry. Check the path; the file is unchanged
bool(true)
-- text
WxToken\FileException: cannot use 008-refused.txt: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged
bool(true)
