--TEST--
EasyWeChat 6: the apps with the library's cache and with the extension live side by side
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php require __DIR__ . '/../bridge/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/recipes.inc';
putenv('WX_CORPID=ww0123456789abcdef');
putenv('WX_CORPSECRET=fedcba9876543210fedcba9876543210fedcba98765');
$recipe = new Recipe(start_emulator('--latency', '100'), 'easywechat', '040-easywechat-apps', ['stand-ins/easywechat6']);

echo "-- official account\n";
$recipe->side_by_side('official_account()->getAccessToken()->getToken()', 'official.json');

echo "-- mini program\n";
unlink($recipe->path('store.json'));
$recipe->side_by_side('mini_app()->getAccessToken()->toQuery()["access_token"]', 'mini.json');

echo "-- a ticket, and the library's signature of it\n";
$rejected = $recipe->run('migrated', 'official_account()->getAccessToken()->getToken()');
$ticket = $recipe->counted('migrated', fn() => $recipe->storm('migrated', 'official_account()->getTicket()->getTicket()'));
$recipe->counted('refreshTicket()', fn() => $recipe->run('migrated', 'official_account()->getTicket()->refreshTicket()'));
$signed = $recipe->run('migrated', 'official_account()->getTicket()->configSignature("http://example.com/", "nonce", 1414587457)');
var_dump($signed->appId);
var_dump($signed->signature === sha1("jsapi_ticket=$ticket&noncestr=nonce&timestamp=1414587457&url=http://example.com/"));

echo "-- rejected by WeChat: the legacy program has no answer, the migrated ones replace the token once\n";
$recipe->run('legacy', 'official_account()->getAccessToken()->getToken()');
$recipe->invalidate();
var_dump($recipe->run('legacy', 'ask(official_account(), "cgi-bin/get_api_domain_ip")')->errcode);
// The stable endpoint is asked twice: it repeats the rejected token until it is forced.
$call = '[ask($app = official_account(), "cgi-bin/get_api_domain_ip"), $app->getAccessToken()->getToken()][1]';
var_dump($recipe->counted('migrated', fn() => $recipe->storm('migrated', $call)) !== $rejected);

echo "-- WeCom\n";
foreach (['getAccessToken()->getToken()', 'getTicket()->getTicket()', 'getTicket()->getAgentTicket(1000002)'] as $call) {
    $recipe->counted("migrated, $call", fn() => $recipe->storm('migrated', "work()->$call"));
    $recipe->counted("legacy, $call", fn() => $recipe->run('legacy', "work()->$call"));
}
foreach (['work', 'work_ticket', 'agent_ticket'] as $name) {
    echo shape($recipe->path("$name.json")), "\n";
}
$ticket = $recipe->run('migrated', 'work()->getTicket()->getAgentTicket(1000002)');
$signed = $recipe->run('migrated', 'work()->getTicket()->createAgentConfigSignature(1000002, "http://example.com/", "nonce", 1414587457)');
echo "$signed->corpid $signed->agentid\n";
var_dump($signed->signature === sha1("jsapi_ticket=$ticket&noncestr=nonce&timestamp=1414587457&url=http://example.com/"));
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/040-easywechat-apps');
?>
--EXPECT--
-- official account
legacy: fetches: 1
migrated: fetches: 1
{"access_token":"TOKEN","expire":TIME}
migrated, again: fetches: 0
legacy, again: fetches: 0
both are valid: true
the cache is as it was: true
migrated, expired: fetches: 1
legacy, expired: fetches: 1
a new token, and still valid: true
-- mini program
legacy: fetches: 1
migrated: fetches: 1
{"access_token":"TOKEN","expire":TIME}
migrated, again: fetches: 0
legacy, again: fetches: 0
both are valid: true
the cache is as it was: true
migrated, expired: fetches: 1
legacy, expired: fetches: 1
a new token, and still valid: true
-- a ticket, and the library's signature of it
migrated: fetches: 1
refreshTicket(): fetches: 0
string(18) "wx0123456789abcdef"
bool(true)
-- rejected by WeChat: the legacy program has no answer, the migrated ones replace the token once
int(40001)
migrated: fetches: 2
bool(true)
-- WeCom
migrated, getAccessToken()->getToken(): fetches: 1
legacy, getAccessToken()->getToken(): fetches: 1
migrated, getTicket()->getTicket(): fetches: 1
legacy, getTicket()->getTicket(): fetches: 1
migrated, getTicket()->getAgentTicket(1000002): fetches: 1
legacy, getTicket()->getAgentTicket(1000002): fetches: 1
{"access_token":"TOKEN","expire":TIME}
{"jsapi_ticket":"TOKEN","expire":TIME}
{"agent_config_ticket":"TOKEN","expire":TIME}
ww0123456789abcdef 1000002
bool(true)
