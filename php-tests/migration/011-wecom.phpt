--TEST--
A WeCom application's hand-written cache is taken over with corpid and corpsecret
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php
is_executable(getenv("WECHAT_EMULATOR") ?: __DIR__ . "/../../target/release/wechat-emulator")
    || print "skip the emulator is not built, and WECHAT_EMULATOR does not name it";
?>
--FILE--
<?php
require __DIR__ . '/programs.inc';
$emulator = start_emulator();
$directory = fresh_directory(__DIR__ . '/011-wecom');
$account = var_export([
    'corpid' => 'ww0123456789abcdef',
    'corpsecret' => 'fedcba9876543210fedcba9876543210fedcba98765',
    'endpoint' => 'wecom',
], true);
// One file for each application, here with an expires_in that is a moment.
file_put_contents("$directory/contacts.json", '{"errcode":0,"errmsg":"ok","access_token":"EMUold","expires_in":1600000000}');
foreach ([
    "wx_get_token('contacts.json', $account)",
    "wx_get_token('contacts.json', $account)",
    "wx_get_ticket('jsapi.json', 'contacts.json', 'jsapi', $account)",
    "wx_get_ticket('agent.json', 'contacts.json', 'agent_config', $account)",
] as $call) {
    $before = $emulator->fetches();
    $got = run_in($directory, [], $call);
    echo strlen($got) > 20 ? 'had' : $got, ', fetches: ', $emulator->fetches() - $before, "\n";
}
foreach (['contacts', 'jsapi', 'agent'] as $name) {
    echo shape("$directory/$name.json"), "\n";
}
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/011-wecom');
?>
--EXPECT--
had, fetches: 1
had, fetches: 0
had, fetches: 1
had, fetches: 1
{"errcode":0,"errmsg":"ok","access_token":"TOKEN","expires_in":TIME}
{"jsapi_ticket":"TOKEN","expire":TIME}
{"agent_config_ticket":"TOKEN","expire":TIME}
