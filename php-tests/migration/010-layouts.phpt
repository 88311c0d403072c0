--TEST--
Every layout in MIGRATION.md is told by its content, kept by a rewrite, and named in the status
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/010-layouts.txt';
$loader = fn() => ['access_token' => 'NEW', 'expires_in' => 7200];
foreach ([
    '{"access_token":"a","expire":1600000000}',
    '{"expire_time":1600000000,"access_token":"a"}',
    '<?php exit();?>{"access_token":"a","expire_time":1600000000}',
    "<?php exit();?>\n{\"access_token\":\"\",\"expire_time\":0}\n",
    '{"access_token":"a","expires_in":7200,"expires":1600000000}',
    '{"access_token":"a","expires_at":"1600000000"}',
    '{"access_token":"a","expired":1600000000.5}',
    '{"access_token":"a","expire_time":1600000000000}',
    '{"access_token":"a","expires_in":1600000000}',
    '{"access_token":"a","expires_in":7200}',
    '{"access_token":"a","expires_in":7200,"time":1600000000}',
    '{"access_token":"a","expire":1600000000,"expire_time":1600000000}',
    '{"token":"a","expires":1600000000}',
    '<?php exit;?>{"access_token":"a","expire_time":1600000000}',
    "\u{feff}<?php die();?>{\"access_token\":\"a\",\"expire_time\":1600000000}",
    'a:3:{s:4:"name";s:2:"wx";s:5:"value";s:1:"a";s:7:"expired";i:1600000000;}',
    'a:2:{s:5:"value";s:1:"a";s:7:"expired";i:1600000000;}',
] as $content) {
    file_put_contents($file, $content);
    touch($file, time() - 8000);
    $status = wx_token_status($file);
    $layout = $status['layout'];
    wx_get_token($file, $loader);
    $after = wx_token_status($file);
    $content = preg_replace_callback('/\b1\d{9}(?:\d{3})?\b/', function ($number) {
        $seconds = $number[0] > 1e12 ? intdiv($number[0], 1000) : (int) $number[0];
        $unit = $number[0] > 1e12 ? ' IN MS' : '';
        return abs($seconds - time() - 7200) <= 5 ? "EXPIRY$unit" : (abs($seconds - time()) <= 5 ? 'NOW' : $number[0]);
    }, trim(file_get_contents($file)));
    // Whole seconds: the time that the loader takes may cost one.
    $content = preg_replace('/\b(7199|7200)\b/', 'LIFE', $content);
    echo "$layout, $status[state]: $content\n";
    if ($after['layout'] !== $layout || abs($after['expires_in'] - 7200) > 5 || $after['state'] !== 'fresh') {
        var_dump($after);
    }
}
echo "-- repaired\n";
foreach (['', "\0\0\0", '{"access_token":"a","exp', '<?php exit();?>', '<?php exit();?>{"acc', 'a:3:{s:4:"name";s:2', 'null', 'false', '0', '<?php exit();?>null',
    '{"errcode":40164,"errmsg":"invalid ip"}'] as $content) {
    file_put_contents($file, $content);
    $status = wx_token_status($file);
    echo json_encode($content), ", $status[state]: ", wx_get_token($file, $loader), "\n";
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/010-layouts.txt'); ?>
--EXPECT--
expire, expired: {"access_token":"NEW","expire":EXPIRY}
expire_time, expired: {"expire_time":EXPIRY,"access_token":"NEW"}
guarded expire_time, expired: <?php exit();?>{"access_token":"NEW","expire_time":EXPIRY}
guarded expire_time, expired: <?php exit();?>
{"access_token":"NEW","expire_time":EXPIRY}
expires+expires_in, expired: {"access_token":"NEW","expires_in":LIFE,"expires":EXPIRY}
expires_at, expired: {"access_token":"NEW","expires_at":"EXPIRY"}
expired, expired: {"access_token":"NEW","expired":EXPIRY}
expire_time, expired: {"access_token":"NEW","expire_time":EXPIRY IN MS}
expires_in, expired: {"access_token":"NEW","expires_in":EXPIRY}
expires_in, expired: {"access_token":"NEW","expires_in":LIFE,"wx_token":{"expires_at_ms":EXPIRY IN MS,"token":"a253ff09c5a8678e"}}
time+expires_in, expired: {"access_token":"NEW","expires_in":LIFE,"time":NOW}
expire+expire_time, expired: {"access_token":"NEW","expire":EXPIRY,"expire_time":EXPIRY}
token+expires, expired: {"token":"NEW","expires":EXPIRY}
guarded expire_time, expired: <?php exit;?>{"access_token":"NEW","expire_time":EXPIRY}
guarded expire_time, expired: ﻿<?php die();?>{"access_token":"NEW","expire_time":EXPIRY}
serialize, expired: a:3:{s:4:"name";s:2:"wx";s:5:"value";s:3:"NEW";s:7:"expired";i:EXPIRY;}
serialize, expired: a:2:{s:5:"value";s:3:"NEW";s:7:"expired";i:EXPIRY;}
-- repaired
"", expired: NEW
"\u0000\u0000\u0000", damaged: NEW
"{\"access_token\":\"a\",\"exp", damaged: NEW
"<?php exit();?>", damaged: NEW
"<?php exit();?>{\"acc", damaged: NEW
"a:3:{s:4:\"name\";s:2", damaged: NEW
"null", expired: NEW
"false", expired: NEW
"0", expired: NEW
"<?php exit();?>null", expired: NEW
"{\"errcode\":40164,\"errmsg\":\"invalid ip\"}", expired: NEW
