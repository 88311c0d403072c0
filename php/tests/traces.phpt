--TEST--
No exception of the polyfill, nor of what it calls, shows a secret, a token or a frame of the polyfill
--INI--
zend.exception_ignore_args=0
wx_token.api_base=http://127.0.0.1:1
wx_token.timeout=3
--FILE--
<?php
$file = __DIR__ . '/traces.json';
$account = ['appid' => 'wx1', 'secret' => 'not-to-be-shown'];
file_put_contents($file, json_encode(['access_token' => 'not-to-be-shown', 'expire' => time() + 7200]));
$throws = function () { throw new DomainException('thrown'); };
foreach ([
    'wx_refresh_token' => function () use ($file, $account) { wx_refresh_token($file, 'not-to-be-shown', $account); },
    'a loader' => function () use ($file, $throws) { wx_refresh_token($file, 'not-to-be-shown', $throws); },
    'a bad option' => function () use ($file, $account) { wx_get_token($file, $account + ['unknown' => 1]); },
    'wx_with_lock' => function () use ($file, $throws) { wx_with_lock($file, $throws); },
    'a call in a callable' => function () use ($file, $account) {
        wx_with_lock($file, function () use ($file, $account) { wx_get_token("$file/x", $account); });
    },
] as $name => $call) {
    try {
        $call();
    } catch (Throwable $e) {
        $shown = print_r($e->getTraceAsString(), true) . $e->getMessage() . json_encode($e->getTrace(), JSON_PARTIAL_OUTPUT_ON_ERROR);
        echo "$name: ", get_class($e), ', ', basename($e->getFile()), ', ', implode(' ', array_map(function ($frame) {
            // PHP 8.4 says where a closure is, in closures within closures twice.
            $function = preg_replace('/\{closure.*/', '{closure}', $frame['function']);
            return isset($frame['file']) ? $function : "internal $function";
        }, $e->getTrace())), "\n";
        // The arguments of a closure in this file are this file's.
        var_dump(strpos($shown, 'Polyfill'), strpos($shown, 'not-to-be-shown'));
    }
}
?>
--CLEAN--
<?php unlink(__DIR__ . '/traces.json'); ?>
--EXPECTREGEX--
wx_refresh_token: WxToken\\NetworkException, traces.php, wx_refresh_token {closure[^}]*}
bool\(false\)
bool\(false\)
a loader: DomainException, traces.php, internal {closure[^}]*} wx_refresh_token {closure[^}]*}
bool\(false\)
bool\(false\)
a bad option: ValueError, traces.php, wx_get_token {closure[^}]*}
bool\(false\)
bool\(false\)
wx_with_lock: DomainException, traces.php, internal {closure[^}]*} wx_with_lock {closure[^}]*}
bool\(false\)
bool\(false\)
a call in a callable: WxToken\\FileException, traces.php, wx_get_token internal {closure[^}]*} wx_with_lock {closure[^}]*}
bool\(false\)
bool\(false\)
