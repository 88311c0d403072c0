--TEST--
wx_token_status() tells of every state of a token file, and never a token
--EXTENSIONS--
wx_token
--FILE--
<?php
$file = __DIR__ . '/009-status.json';
$failure = ['errcode' => 40125, 'errmsg' => 'invalid appsecret', 'failed_at_ms' => 1600000000500,
    'retry_at_ms' => 1600000060500, 'failures' => 2];
foreach ([
    json_encode(['access_token' => 'not-to-be-shown', 'expire' => time() + 600]),
    json_encode(['access_token' => 'not-to-be-shown', 'expire' => time() + 200]),
    json_encode(['expire' => 1588219064, 'jsapi_ticket' => 'not-to-be-shown']),
    json_encode(['access_token' => 'not-to-be-shown', 'expire' => 1588219064]),
    json_encode(['access_token' => 'not-to-be-shown', 'expire' => 1588219064, 'wx_token' => $failure]),
    '{"access_token":"not-to-be-shown',
    "\0\0\0\0",
    '',
    'not-to-be-shown',
    null,
] as $content) {
    @unlink($file);
    if ($content !== null) {
        file_put_contents($file, $content);
    }
    $status = wx_token_status($file);
    $status['file'] = basename($status['file']);
    // How open the directory is depends on where the tests are.
    $status['exposed'] = null;
    $status['error'] = $status['error'] === null ? null : str_replace(__DIR__ . '/', '', $status['error']);
    if ($status['expires_at'] !== null) {
        $left = $status['expires_at'] - time();
        var_dump(abs($status['expires_in'] - $left) <= 1, $status['due_in'] === $status['expires_in'] - 300);
        $status['expires_in'] = $status['due_in'] = 'as expected';
        $status['expires_at'] = $left > 0 ? 'ahead' : $status['expires_at'];
    }
    if (array_pop($status) !== (extension_loaded('wx_token') ? 'extension' : 'polyfill')) {
        echo "another implementation\n";
    }
    echo json_encode($status), "\n";
}
$status = wx_token_status(__DIR__);
echo $status['state'], ' ', json_encode($status['exists']), "\n";
$status = wx_token_status(__DIR__ . '/009-nowhere/token.json');
echo $status['state'], ' ', json_encode($status['exists']), ' ', str_replace(__DIR__ . '/', '', $status['error']), "\n";
?>
--CLEAN--
<?php @unlink(__DIR__ . '/009-status.json'); ?>
--EXPECT--
bool(true)
bool(true)
{"file":"009-status.json","exists":true,"state":"fresh","stored":true,"layout":"expire","expires_at":"ahead","expires_in":"as expected","due_in":"as expected","failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
bool(true)
bool(true)
{"file":"009-status.json","exists":true,"state":"due","stored":true,"layout":"expire","expires_at":"ahead","expires_in":"as expected","due_in":"as expected","failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
bool(true)
bool(true)
{"file":"009-status.json","exists":true,"state":"expired","stored":true,"layout":"expire","expires_at":1588219064,"expires_in":"as expected","due_in":"as expected","failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
bool(true)
bool(true)
{"file":"009-status.json","exists":true,"state":"expired","stored":true,"layout":"expire","expires_at":1588219064,"expires_in":"as expected","due_in":"as expected","failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
bool(true)
bool(true)
{"file":"009-status.json","exists":true,"state":"expired","stored":true,"layout":"expire","expires_at":1588219064,"expires_in":"as expected","due_in":"as expected","failure":{"errcode":40125,"message":"invalid appsecret","failed_at":1600000000,"retry_at":1600000061,"failures":2},"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
{"file":"009-status.json","exists":true,"state":"damaged","stored":true,"layout":null,"expires_at":null,"expires_in":null,"due_in":null,"failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
{"file":"009-status.json","exists":true,"state":"damaged","stored":true,"layout":null,"expires_at":null,"expires_in":null,"due_in":null,"failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
{"file":"009-status.json","exists":true,"state":"expired","stored":true,"layout":null,"expires_at":null,"expires_in":null,"due_in":null,"failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
{"file":"009-status.json","exists":true,"state":"unusable","stored":true,"layout":null,"expires_at":null,"expires_in":null,"due_in":null,"failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":"cannot use 009-status.json: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"}
{"file":"009-status.json","exists":false,"state":"missing","stored":true,"layout":null,"expires_at":null,"expires_in":null,"due_in":null,"failure":null,"locked":false,"holder_pid":null,"refreshing":false,"store":null,"log":null,"exposed":null,"error":null}
unusable true
missing false cannot create 009-nowhere/token.json: the directory 009-nowhere does not exist. Create it, or pass another path
