--TEST--
All forms of the JS-SDK class sign as WeChat's documents do
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/programs.inc';
$directory = fresh_directory(__DIR__ . '/004-jssdk-signature');
// The example of WeChat's documents: a ticket that was never of use, its nonce and its moment.
$ticket = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';
$sign = fn($url) => "(new JSSDK('wx1', 's'))->sign('$ticket', 'Wm3WZYTPz0wzccnW', 1414587457, '$url')";
$content = json_encode(['jsapi_ticket' => $ticket, 'expire_time' => time() + 7000]);
file_put_contents("$directory/jsapi_ticket.json", $content);
file_put_contents("$directory/jsapi_ticket.php", '<?php exit();?>' . $content);
$package = '(function () {
    $_SERVER = ["HTTP_HOST" => "example.com", "REQUEST_URI" => "/page?a=1&b=%20"] + $_SERVER;
    $class = new JSSDK("wx1", "s");
    $package = $class->getSignPackage();
    $signed = "jsapi_ticket=" . $class->getJsApiTicket() . "&noncestr=$package[nonceStr]"
        . "&timestamp=$package[timestamp]&url=$package[url]";
    return [array_keys($package), $package["url"], $package["signature"] === sha1($signed)];
})()';

foreach (['legacy', 'legacy_json', 'migrated'] as $program) {
    echo "-- $program\n";
    var_dump(run_in($directory, ["jssdk/$program"], $sign('http://mp.weixin.qq.com?params=value')));
    var_dump(run_in($directory, ["jssdk/$program"], $sign('http://mp.weixin.qq.com')));
    echo json_encode(run_in($directory, ["jssdk/$program"], $package), JSON_UNESCAPED_SLASHES), "\n";
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/004-jssdk-signature');
?>
--EXPECT--
-- legacy
string(40) "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
string(40) "f4d90daf4b3bca3078ab155816175ba34c443a7b"
[["appId","nonceStr","timestamp","url","signature"],"http://example.com/page?a=1&b=%20",true]
-- legacy_json
string(40) "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
string(40) "f4d90daf4b3bca3078ab155816175ba34c443a7b"
[["appId","nonceStr","timestamp","url","signature"],"http://example.com/page?a=1&b=%20",true]
-- migrated
string(40) "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
string(40) "f4d90daf4b3bca3078ab155816175ba34c443a7b"
[["appId","nonceStr","timestamp","url","signature"],"http://example.com/page?a=1&b=%20",true]
