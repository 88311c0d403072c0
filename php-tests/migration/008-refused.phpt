--TEST--
A file that is no token file, or has two meanings, is refused with the way out, and left as it is
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/008-refused.txt';
$token = str_repeat('T', 157);
$loader = function () { throw new LogicException('nothing may be fetched for this file'); };
foreach ([
    'expires_time' => '{"access_token":"' . $token . '","expires_time":1600000000}',
    'the time of a fetch, or an expiry' => '{"access_token":"' . $token . '","time":1600000000}',
    'a date' => '{"access_token":"' . $token . '","expires_in":7200,"get_time":"2019-05-07 09:13:27"}',
    'an expiry under a name of its own' => '{"access_token":"' . $token . '","until":1600000000}',
    'a token under a name of its own' => '{"accessToken":"' . $token . '","expiredTime":1600000000}',
    'JSON in JSON' => '{"data":"{\"access_token\":\"' . $token . '\"}","expire":1600000000}',
    'several accounts' => '{"wx01":{"access_token":"' . $token . '","expire":1600000000}}',
    'a token and a number' => "$token,1600000000",
    'token and ticket' => '{"access_token":"' . $token . '","jsapi_ticket":"' . $token . '","expire":1600000000}',
    'the time of the fetch, under a name of its own' => '{"last_access_token":"' . $token . '","last_access_token_time":1600000000}',
    'plain text' => "$token\n",
    'the expiry alone, beside a plain token' => "1600000000\n",
    'var_export()' => "<?php\n\$access_token = array('access_token' => '$token', 'expires' => 1600000000);\n?>",
    'return of an array' => "<?php return ['access_token' => '$token', 'expires' => 1600000000];",
    'code that is no guard' => "<?php exit(\$code); ?>{\"access_token\":\"$token\",\"expire_time\":1600000000}",
    'a token behind a guard' => "<?php exit();?>$token",
    'ThinkPHP' => "<?php\n//000000007000\n exit();?>\n" . serialize($token),
    'Laravel' => '1600000000' . serialize($token),
    'Symfony' => "1600000000\nwx_token\n" . serialize($token),
    'Doctrine' => "1600000000\n" . serialize($token),
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
-- the time of a fetch, or an expiry
WxToken\FileException: cannot use 008-refused.txt: its "time" has two possible meanings. Pass 'layout' => 'time:expiry' if it is the expiry, or 'layout' => 'time:fetched' if it is the time of the fetch; the file is unchanged
bool(true)
-- a date
WxToken\FileException: cannot use 008-refused.txt: the key "get_time" has a date, not a Unix timestamp. Store a Unix timestamp there instead, or pass the path of a new file; the file is unchanged
bool(true)
-- an expiry under a name of its own
WxToken\FileException: cannot use 008-refused.txt: its expiry seems to stand under the key "until" (a number), which is not supported. Rename that key to "expires_at" if it is the expiry, or pass the path of a new file; the file is unchanged
bool(true)
-- a token under a name of its own
WxToken\FileException: cannot use 008-refused.txt: its token stands under the key "accessToken" (a string of 157 characters), which is not supported. Store it under "access_token", or pass the path of a new file; the file is unchanged
bool(true)
-- JSON in JSON
WxToken\FileException: cannot use 008-refused.txt: its token stands under the key "data" (JSON in a string), which is not supported. Store it under "access_token", or pass the path of a new file; the file is unchanged
bool(true)
-- several accounts
WxToken\FileException: cannot use 008-refused.txt: its token stands inside the key "wx01", which is not supported. Use a file for each account, with "access_token" at the top; the file is unchanged
bool(true)
-- a token and a number
WxToken\FileException: cannot use 008-refused.txt: the number after the token has two possible meanings. Pass 'layout' => 'csv:expiry' if it is the expiry, or 'layout' => 'csv:fetched' if it is the time of the fetch; the file is unchanged
bool(true)
-- token and ticket
WxToken\FileException: cannot use 008-refused.txt: it contains "access_token" and the key "jsapi_ticket". Give each token or ticket a file of its own; the file is unchanged
bool(true)
-- the time of the fetch, under a name of its own
WxToken\FileException: cannot use 008-refused.txt: its token stands under the key "last_access_token" (a string of 157 characters), which is not supported. Store it under "access_token", or pass the path of a new file; the file is unchanged
bool(true)
-- plain text
WxToken\FileException: cannot use 008-refused.txt: it seems to contain only a token. Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification; the file is unchanged
bool(true)
-- the expiry alone, beside a plain token
WxToken\FileException: cannot use 008-refused.txt: it contains only a number, as the second of two text files does. Pass the path of the file with the token and 'layout' => 'plain', or the path of a new file; the file is unchanged
bool(true)
-- var_export()
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token neither runs nor writes. Pass the path of a new file, and let code that includes this one call wx_get_token(); the file is unchanged
bool(true)
-- return of an array
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token neither runs nor writes. Pass the path of a new file, and let code that includes this one call wx_get_token(); the file is unchanged
bool(true)
-- code that is no guard
WxToken\FileException: cannot use 008-refused.txt: it is PHP code, which wx_token neither runs nor writes. Pass the path of a new file, and let code that includes this one call wx_get_token(); the file is unchanged
bool(true)
-- a token behind a guard
WxToken\FileException: cannot use 008-refused.txt: after its guard it seems to contain a token, but no JSON object. Pass the path of a new file; the file is unchanged
bool(true)
-- ThinkPHP
WxToken\FileException: cannot use 008-refused.txt: it is a cache file of ThinkPHP. Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe; the file is unchanged
bool(true)
-- Laravel
WxToken\FileException: cannot use 008-refused.txt: it is a cache file of Laravel. Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe; the file is unchanged
bool(true)
-- Symfony
WxToken\FileException: cannot use 008-refused.txt: it is a cache file of Symfony. Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe; the file is unchanged
bool(true)
-- Doctrine
WxToken\FileException: cannot use 008-refused.txt: it is a cache file of Doctrine. Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe; the file is unchanged
bool(true)
-- serialize() of other keys
WxToken\FileException: cannot use 008-refused.txt: its serialize() array has no text under "value", or no number under "expired". Pass the path of a new file, or check the path; the file is unchanged
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
