--TEST--
What a loader may answer, and what is stored of it
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/002-answers.json';

$start = time();
$expire = $start + 7200;
$life = 7200;
$abc = 'abc';

/** The file, with its expiry checked: to the second, or one less if that has passed meanwhile. */
function content(): string {
    global $file, $start;
    return preg_replace_callback('/("expire": ?)(\d+)/', fn($match) =>
        $match[1] . ($match[2] >= $start + 7199 && $match[2] <= time() + 7200 ? 'as asked for' : $match[2]), file_get_contents($file));
}

foreach ([
    'expires_in' => ['access_token' => 'abc', 'expires_in' => 7200],
    'expire' => ['access_token' => 'abc', 'expire' => $expire],
    'expires_in, a string' => ['access_token' => 'abc', 'expires_in' => '7200'],
    'expire, a string' => ['access_token' => 'abc', 'expire' => (string) $expire],
    'expires_in, a float' => ['access_token' => 'abc', 'expires_in' => 7200.9],
    'expires_in before expire' => ['expire' => 5, 'access_token' => 'abc', 'expires_in' => 7200],
    'references' => ['access_token' => &$abc, 'expires_in' => &$life],
    'other members' => ['access_token' => 'abc', 'expires_in' => 7200, 'scope' => 'x', 5 => [], 'object' => new stdClass],
    'errcode 0' => ['errcode' => 0, 'errmsg' => 'ok', 'access_token' => 'abc', 'expires_in' => 7200],
    "WeChat's JSON" => '{"access_token":"abc","expires_in":7200}',
    "WeChat's JSON, errcode 0" => '{"errcode":0,"errmsg":"ok","access_token":"abc","expires_in":7200}',
    'JSON with expire' => ' {"expire": ' . $expire . ', "access_token": "\u0061bc"} ',
    'visible ASCII' => ['access_token' => '!"/\\~', 'expires_in' => 7200],
] as $kind => $answer) {
    @unlink($file);
    $token = wx_get_token($file, fn() => $answer);
    echo "$kind: $token ", content(), "\n";
    if (json_decode(file_get_contents($file))->access_token !== $token || wx_get_token($file, fn() => print('called again')) !== $token) {
        echo "it does not read back\n";
    }
}

echo "-- what else is in the file stays\n";
file_put_contents($file, '{ "note" : "kept",  "access_token":"old", "expire": 1, "more": {"a": [1, 2.0] } }');
wx_get_token($file, fn() => ['access_token' => 'abc', 'expire' => $expire, 'note' => 'of the loader']);
echo content(), "\n";

echo "-- empty and torn files are repaired\n";
foreach (['', "\0\0\0", '{"access_token":"ol', 'null', '{}'] as $content) {
    file_put_contents($file, $content);
    wx_get_token($file, fn() => ['access_token' => 'abc', 'expire' => $expire]);
    echo content(), "\n";
}

echo "-- what is no token file is neither asked for nor touched\n";
file_put_contents($file, 'a diary');
attempt(fn() => wx_get_token($file, fn() => print('called')));
echo file_get_contents($file), "\n";
?>
--CLEAN--
<?php @unlink(__DIR__ . '/002-answers.json'); ?>
--EXPECT--
expires_in: abc {"access_token":"abc","expire":as asked for}
expire: abc {"access_token":"abc","expire":as asked for}
expires_in, a string: abc {"access_token":"abc","expire":as asked for}
expire, a string: abc {"access_token":"abc","expire":as asked for}
expires_in, a float: abc {"access_token":"abc","expire":as asked for}
expires_in before expire: abc {"access_token":"abc","expire":as asked for}
references: abc {"access_token":"abc","expire":as asked for}
other members: abc {"access_token":"abc","expire":as asked for}
errcode 0: abc {"access_token":"abc","expire":as asked for}
WeChat's JSON: abc {"access_token":"abc","expire":as asked for}
WeChat's JSON, errcode 0: abc {"access_token":"abc","expire":as asked for}
JSON with expire: abc {"access_token":"abc","expire":as asked for}
visible ASCII: !"/\~ {"access_token":"!\"/\\~","expire":as asked for}
-- what else is in the file stays
{ "note" : "kept",  "access_token":"abc", "expire": as asked for, "more": {"a": [1, 2.0] } }
-- empty and torn files are repaired
{"access_token":"abc","expire":as asked for}
{"access_token":"abc","expire":as asked for}
{"access_token":"abc","expire":as asked for}
{"access_token":"abc","expire":as asked for}
{"access_token":"abc","expire":as asked for}
-- what is no token file is neither asked for nor touched
WxToken\FileException: cannot use 002-answers.json: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged
a diary
