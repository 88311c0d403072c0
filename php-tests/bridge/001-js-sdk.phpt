--TEST--
JsSdk signs as WeChat's own example does, leaves out the fragment and nothing else, and rejects what is no page
--EXTENSIONS--
wx_token
--INI--
wx_token.appid=wx0123456789abcdef
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
require __DIR__ . '/../../php/src/JsSdk.php';
use WxToken\JsSdk;

const TICKET = 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg';
function sign(string $url): string
{
    return JsSdk::signature(TICKET, 'Wm3WZYTPz0wzccnW', 1414587457, $url);
}

echo "-- WeChat's example\n";
var_dump(sign('http://mp.weixin.qq.com?params=value') === '0f9de62fce790f9a083d5c99e95740ceb90c27ed');
var_dump(sign('http://mp.weixin.qq.com') === 'f4d90daf4b3bca3078ab155816175ba34c443a7b');
echo "-- the fragment is left out, and nothing else\n";
var_dump(sign('http://mp.weixin.qq.com?params=value#/home?a=1#b') === sign('http://mp.weixin.qq.com?params=value'));
$pages = ['http://a.cn', 'http://a.cn/', 'http://a.cn/?', 'https://a.cn', 'http://A.cn', 'http://a.cn/?b=%20', 'http://a.cn/?b=+'];
var_dump(count(array_unique(array_map('sign', $pages))) === count($pages));

echo "-- what wx.config() and wx.agentConfig() need\n";
$files = ['ticket' => __DIR__ . '/001-ticket.json', 'agent' => __DIR__ . '/001-agent.json', 'token' => __DIR__ . '/001-token.json'];
file_put_contents($files['ticket'], json_encode(['jsapi_ticket' => TICKET, 'expire' => time() + 7000]));
file_put_contents($files['agent'], json_encode(['agent_config_ticket' => strrev(TICKET), 'expire' => time() + 7000]));
$config = JsSdk::config('http://a.cn/#home', $files['ticket'], $files['token']);
$again = JsSdk::config('http://a.cn/', $files['ticket'], $files['token'], ['appid' => 'wxother', 'secret' => 'hidden']);
echo implode(' ', array_keys($config)), ": {$config['appId']} {$again['appId']}\n";
var_dump(abs($config['timestamp'] - time()) < 60, strlen($config['nonceStr']), $config['nonceStr'] !== $again['nonceStr']);
var_dump($config['signature'] === JsSdk::signature(TICKET, $config['nonceStr'], $config['timestamp'], 'http://a.cn/'));
$work = ['corpid' => 'ww1', 'corpsecret' => 'hidden'];
echo JsSdk::config('http://a.cn/', $files['ticket'], $files['token'], $work)['appId'], "\n";
$agent = JsSdk::agentConfig('http://a.cn/', 1000002, $files['agent'], $files['token'], $work);
echo implode(' ', array_keys($agent)), ": {$agent['corpid']} {$agent['agentid']}\n";
var_dump($agent['signature'] === JsSdk::signature(strrev(TICKET), $agent['nonceStr'], $agent['timestamp'], 'http://a.cn/'));

echo "-- what is no page\n";
foreach (['', '#home', 'a.cn/page', '/page', '//a.cn/', 'http:///page', 'ftp://a.cn/', 'file:///etc/passwd', 'http://a.cn/ b', "http://a.cn/\n", 'http://a.cn/页'] as $url) {
    attempt(fn() => sign($url));
}
echo "-- before a ticket is fetched, and without an account\n";
attempt(fn() => JsSdk::config('a.cn', __DIR__ . '/none.json', __DIR__ . '/none2.json'));
attempt(fn() => JsSdk::agentConfig('http://a.cn/', 1, $files['agent'], $files['token'], ['appid' => 'wx1']));
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/001-*.json')); ?>
--EXPECT--
-- WeChat's example
bool(true)
bool(true)
-- the fragment is left out, and nothing else
bool(true)
bool(true)
-- what wx.config() and wx.agentConfig() need
appId timestamp nonceStr signature: wx0123456789abcdef wxother
bool(true)
int(16)
bool(true)
bool(true)
ww1
corpid agentid timestamp nonceStr signature: ww1 1000002
bool(true)
-- what is no page
InvalidArgumentException: cannot sign "": it is empty. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "#home": it is empty. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "a.cn/page": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "/page": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "//a.cn/": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "http:///page": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "ftp://a.cn/": it is neither http nor https. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "file:///etc/passwd": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "http://a.cn/ b": it has a space or a character that a browser would encode. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "http://a.cn/
": it has a space or a character that a browser would encode. Pass the URL of the page as the browser has it in location.href
InvalidArgumentException: cannot sign "http://a.cn/页": it has a space or a character that a browser would encode. Pass the URL of the page as the browser has it in location.href
-- before a ticket is fetched, and without an account
InvalidArgumentException: cannot sign "a.cn": it has no scheme and host. Pass the URL of the page as the browser has it in location.href
WxToken\ConfigException: cannot sign for 001-agent.json: there is no corpid. Pass it: ['corpid' => '…']
