--TEST--
An answer that cannot be used is a failure: its message names what is missing, and the old token stays
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';

$cases = [
    null, 5, true, new stdClass, fn() => ['access_token' => 'fake', 'expires_in' => 7200],
    [], ['fake', 7200], ['access_token' => 'fake'], ['expires_in' => 5], ['expire' => time() + 5],
    ['access_token' => '', 'expires_in' => 7200],
    ['access_token' => "fa\nke", 'expires_in' => 7200],
    ['access_token' => "fa ke", 'expires_in' => 7200],
    ['access_token' => "fake\0", 'expires_in' => 7200],
    ['access_token' => "fake\xFF", 'expires_in' => 7200],
    ['access_token' => 'fäke', 'expires_in' => 7200],
    ['access_token' => str_repeat('fake', 1025), 'expires_in' => 7200],
    ['access_token' => 5, 'expires_in' => 7200],
    ['access_token' => null, 'expires_in' => 7200],
    ['access_token' => 'fake', 'expires_in' => 0],
    ['access_token' => 'fake', 'expires_in' => -1],
    ['access_token' => 'fake', 'expires_in' => 'soon'],
    ['access_token' => 'fake', 'expires_in' => ''],
    ['access_token' => 'fake', 'expires_in' => null],
    ['access_token' => 'fake', 'expires_in' => []],
    ['access_token' => 'fake', 'expires_in' => true],
    ['access_token' => 'fake', 'expires_in' => INF],
    ['access_token' => 'fake', 'expires_in' => NAN],
    ['access_token' => 'fake', 'expires_in' => PHP_INT_MAX],
    ['access_token' => 'fake', 'expire' => 'soon'],
    ['access_token' => 'fake', 'expire' => time() - 5],
    '', 'fake', '{"access_token":"fake","expires_in":72', '[{"access_token":"fake","expires_in":7200}]', '"fake"', 'null', "{\"access_token\":\"fake\xFF\",\"expires_in\":7200}",
    '{"access_token":"fake"}',
    ['errcode' => 'fake', 'access_token' => 'fake', 'expires_in' => 7200],
];
foreach ($cases as $number => $answer) {
    $file = __DIR__ . "/003-bad-answers-$number.json";
    write_token($file, 'old', -1);
    $shown = json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_UNESCAPED_SLASHES);
    echo is_object($answer) ? $answer::class : preg_replace('/"expire":\d+/', '"expire":%d', substr($shown, 0, 60)), "\n  ";
    $e = attempt(fn() => wx_get_token($file, fn() => $answer));
    $content = file_get_contents($file);
    $told = $e?->getMessage() . $content . json_encode(wx_token_status($file));
    if (!$e instanceof WxToken\NetworkException || $e->retryAt <= time() - 5 || $e->tokenFile !== $file
        || json_decode($content)->access_token !== 'old' || str_contains($told, 'fake')
        || wx_token_status($file)['failure']['retry_at'] !== $e->retryAt) {
        echo '  WRONG: ', $content, "\n";
    }
    unlink($file);
}

foreach ([
    '{"errcode":40013,"errmsg":"invalid appid rid: 1"}',
    ['errcode' => 40013, 'errmsg' => 'invalid appid rid: 1'],
    ['errcode' => '40013', 'errmsg' => 'invalid appid rid: 1', 'access_token' => 'fake', 'expires_in' => 7200],
    '{"errcode":40013}',
    '{"errcode":-1,"errmsg":"system\u0000 error\n"}',
] as $number => $answer) {
    $file = __DIR__ . "/003-bad-answers-$number.json";
    write_token($file, 'old', -1);
    $e = attempt(fn() => wx_get_token($file, fn() => $answer));
    $content = json_decode(file_get_contents($file));
    echo '  ', json_encode([$e->getCode(), $e->errmsg, $e->retryAt > time(), $content->access_token, wx_token_status($file)['failure']['errcode']]), "\n";
    unlink($file);
}
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/003-bad-answers-*.json')); ?>
--EXPECT--
null
  WxToken\NetworkException: cannot refresh 003-bad-answers-0.json: the loader returned null. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
5
  WxToken\NetworkException: cannot refresh 003-bad-answers-1.json: the loader returned int. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
true
  WxToken\NetworkException: cannot refresh 003-bad-answers-2.json: the loader returned bool. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
stdClass
  WxToken\NetworkException: cannot refresh 003-bad-answers-3.json: the loader returned stdClass. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
Closure
  WxToken\NetworkException: cannot refresh 003-bad-answers-4.json: the loader returned Closure. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
[]
  WxToken\NetworkException: cannot refresh 003-bad-answers-5.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
["fake",7200]
  WxToken\NetworkException: cannot refresh 003-bad-answers-6.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
{"access_token":"fake"}
  WxToken\NetworkException: cannot refresh 003-bad-answers-7.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
{"expires_in":5}
  WxToken\NetworkException: cannot refresh 003-bad-answers-8.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
{"expire":%d}
  WxToken\NetworkException: cannot refresh 003-bad-answers-9.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
{"access_token":"","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-10.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
{"access_token":"fa\nke","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-11.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
{"access_token":"fa ke","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-12.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
{"access_token":"fake\u0000","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-13.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
{"access_token":"fake\ufffd","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-14.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
{"access_token":"f\u00e4ke","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-15.json: the loader's answer is unusable: its token is empty or has invalid characters; next attempt in 1 s
{"access_token":"fakefakefakefakefakefakefakefakefakefakefak
  WxToken\NetworkException: cannot refresh 003-bad-answers-16.json: the loader's answer is unusable: its token is longer than 4096 bytes; next attempt in 1 s
{"access_token":5,"expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-17.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
{"access_token":null,"expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-18.json: the loader's answer is unusable: it has no string "access_token"; next attempt in 1 s
{"access_token":"fake","expires_in":0}
  WxToken\NetworkException: cannot refresh 003-bad-answers-19.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
{"access_token":"fake","expires_in":-1}
  WxToken\NetworkException: cannot refresh 003-bad-answers-20.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
{"access_token":"fake","expires_in":"soon"}
  WxToken\NetworkException: cannot refresh 003-bad-answers-21.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":""}
  WxToken\NetworkException: cannot refresh 003-bad-answers-22.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":null}
  WxToken\NetworkException: cannot refresh 003-bad-answers-23.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":[]}
  WxToken\NetworkException: cannot refresh 003-bad-answers-24.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":true}
  WxToken\NetworkException: cannot refresh 003-bad-answers-25.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":0}
  WxToken\NetworkException: cannot refresh 003-bad-answers-26.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":0}
  WxToken\NetworkException: cannot refresh 003-bad-answers-27.json: the loader's answer is unusable: it has no number "expires_in"; next attempt in 1 s
{"access_token":"fake","expires_in":9223372036854775807}
  WxToken\NetworkException: cannot refresh 003-bad-answers-28.json: the loader's answer is unusable: its lifetime is not from 1 second to 10 years; next attempt in 1 s
{"access_token":"fake","expire":"soon"}
  WxToken\NetworkException: cannot refresh 003-bad-answers-29.json: the loader returned an "expire" that is not a number. It must be a Unix time; next attempt in 1 s
{"access_token":"fake","expire":%d}
  WxToken\NetworkException: cannot refresh 003-bad-answers-30.json: the loader returned an expired token. "expire" must be in the future; next attempt in 1 s
""
  WxToken\NetworkException: cannot refresh 003-bad-answers-31.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"fake"
  WxToken\NetworkException: cannot refresh 003-bad-answers-32.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"{\"access_token\":\"fake\",\"expires_in\":72"
  WxToken\NetworkException: cannot refresh 003-bad-answers-33.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"[{\"access_token\":\"fake\",\"expires_in\":7200}]"
  WxToken\NetworkException: cannot refresh 003-bad-answers-34.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"\"fake\""
  WxToken\NetworkException: cannot refresh 003-bad-answers-35.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"null"
  WxToken\NetworkException: cannot refresh 003-bad-answers-36.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"{\"access_token\":\"fake\ufffd\",\"expires_in\":7200}"
  WxToken\NetworkException: cannot refresh 003-bad-answers-37.json: the loader returned a string that is not a JSON object. It must return an array or a JSON string with "access_token" and "expires_in"; next attempt in 1 s
"{\"access_token\":\"fake\"}"
  WxToken\NetworkException: cannot refresh 003-bad-answers-38.json: the loader returned neither "expires_in" nor "expire". Add "expires_in" (seconds) or "expire" (Unix time); next attempt in 1 s
{"errcode":"fake","access_token":"fake","expires_in":7200}
  WxToken\NetworkException: cannot refresh 003-bad-answers-39.json: the loader's answer is unusable: its "errcode" is not a number; next attempt in 1 s
WxToken\ApiException: cannot refresh 003-bad-answers-0.json: the loader returned errcode 40013 (invalid appid rid: 1). Check the appid (case-sensitive); next attempt in 60 s
  [40013,"invalid appid rid: 1",true,"old",40013]
WxToken\ApiException: cannot refresh 003-bad-answers-1.json: the loader returned errcode 40013 (invalid appid rid: 1). Check the appid (case-sensitive); next attempt in 60 s
  [40013,"invalid appid rid: 1",true,"old",40013]
WxToken\ApiException: cannot refresh 003-bad-answers-2.json: the loader returned errcode 40013 (invalid appid rid: 1). Check the appid (case-sensitive); next attempt in 60 s
  [40013,"invalid appid rid: 1",true,"old",40013]
WxToken\ApiException: cannot refresh 003-bad-answers-3.json: the loader returned errcode 40013 (no errmsg). Check the appid (case-sensitive); next attempt in 60 s
  [40013,"",true,"old",40013]
WxToken\ApiException: cannot refresh 003-bad-answers-4.json: the loader returned errcode -1 (system\0 error\n). WeChat is busy: no action is necessary; next attempt in 1 s
  [-1,"system\\0 error\\n",true,"old",-1]
