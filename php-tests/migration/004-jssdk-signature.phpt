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
$content = json_encode(['jsapi_ticket' => $ticket, 'expire_time' => time() + 7000]);
file_put_contents("$directory/jsapi_ticket.json", $content);
file_put_contents("$directory/jsapi_ticket.php", '<?php exit();?>' . $content);
/** The package for a page: its keys, its URL, whether it is signed, and the signature for the documents' moment. */
$package = fn(string $host, string $path) => <<<PHP
    (function () {
        \$_SERVER = ["HTTP_HOST" => "$host", "REQUEST_URI" => "$path"] + \$_SERVER;
        \$package = (new JSSDK("wx1", "s"))->getSignPackage();
        \$signed = strtr(\$package["rawString"], [
            "noncestr=\$package[nonceStr]&" => "noncestr=Wm3WZYTPz0wzccnW&",
            "timestamp=\$package[timestamp]&" => "timestamp=1414587457&",
        ]);
        return [array_keys(\$package), \$package["url"], \$package["signature"] === sha1(\$package["rawString"]), sha1(\$signed)];
    })()
    PHP;

foreach (['legacy', 'legacy_json', 'migrated', 'migrated_json'] as $program) {
    echo "-- $program\n";
    foreach ([['mp.weixin.qq.com', '?params=value'], ['mp.weixin.qq.com', ''], ['example.com', '/page?a=1&b=%20']] as $page) {
        [$keys, $url, $signed, $signature] = run_in($directory, ["jssdk/$program"], $package(...$page));
        echo "$url: ", json_encode($signed), ' ', $page[0] === 'example.com' ? implode(' ', $keys) : $signature, "\n";
    }
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/004-jssdk-signature');
?>
--EXPECT--
-- legacy
http://mp.weixin.qq.com?params=value: true 0f9de62fce790f9a083d5c99e95740ceb90c27ed
http://mp.weixin.qq.com: true f4d90daf4b3bca3078ab155816175ba34c443a7b
http://example.com/page?a=1&b=%20: true appId nonceStr timestamp url signature rawString
-- legacy_json
http://mp.weixin.qq.com?params=value: true 0f9de62fce790f9a083d5c99e95740ceb90c27ed
http://mp.weixin.qq.com: true f4d90daf4b3bca3078ab155816175ba34c443a7b
http://example.com/page?a=1&b=%20: true appId nonceStr timestamp url signature rawString
-- migrated
http://mp.weixin.qq.com?params=value: true 0f9de62fce790f9a083d5c99e95740ceb90c27ed
http://mp.weixin.qq.com: true f4d90daf4b3bca3078ab155816175ba34c443a7b
http://example.com/page?a=1&b=%20: true appId nonceStr timestamp url signature rawString
-- migrated_json
http://mp.weixin.qq.com?params=value: true 0f9de62fce790f9a083d5c99e95740ceb90c27ed
http://mp.weixin.qq.com: true f4d90daf4b3bca3078ab155816175ba34c443a7b
http://example.com/page?a=1&b=%20: true appId nonceStr timestamp url signature rawString
