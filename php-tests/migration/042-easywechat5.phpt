--TEST--
EasyWeChat 4 and 5: the library's cache and the extension live side by side, and a rejected token is replaced
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
require __DIR__ . '/recipes.inc';
putenv('WX_CORPID=ww0123456789abcdef');
putenv('WX_CORPSECRET=fedcba9876543210fedcba9876543210fedcba98765');
$recipe = new Recipe(start_emulator('--latency', '100'), 'easywechat5', '042-easywechat5', ['stand-ins/easywechat5']);
$recipe->side_by_side('official_account()->access_token->getToken()["access_token"]', 'access_token.json');

echo "-- the lifetime that is left\n";
write_token($recipe->path('access_token.json'), 'EMUhand-made', 3000);
$token = $recipe->run('migrated', 'official_account()->access_token->getToken()');
var_dump(array_keys((array) $token) === ['access_token', 'expires_in'], $token->expires_in > 2900 && $token->expires_in <= 3000);
var_dump($recipe->run('migrated', '[($t = official_account()->access_token)->getToken(), $t->getLastToken()][1]')->access_token === $token->access_token);
echo "-- nothing was handed out yet: nothing can have been rejected\n";
$recipe->counted('getRefreshedToken()', fn() => $recipe->run('migrated', 'official_account()->access_token->getRefreshedToken()["access_token"]'));

echo "-- rejected by WeChat: the library calls refresh(), and repeats the request\n";
$call = '[official_account()["base"]->httpGet("cgi-bin/get_api_domain_ip"), official_account()->access_token->getToken()["access_token"]]';
$got = $recipe->counted('migrated', fn() => $recipe->storm('migrated', $call . '[1]'));
var_dump($recipe->accepts($got));
var_dump(isset($recipe->run('migrated', $call)[0]->ip_list));

echo "-- a ticket, and the library's signature of it\n";
$recipe->counted('migrated', fn() => $recipe->storm('migrated', 'official_account()->jssdk->getTicket()["ticket"]'));
$recipe->counted('migrated, again', fn() => $recipe->storm('migrated', 'official_account()->jssdk->getTicket(true)["ticket"]'));
echo shape($recipe->path('ticket.json')), "\n";
var_dump($recipe->run('migrated', 'official_account()->jssdk->getTicketSignature("t", "n", 1, "u")') === sha1('jsapi_ticket=t&noncestr=n&timestamp=1&url=u'));
echo "-- a card's ticket is the library's, made with the extension's token\n";
$recipe->counted('migrated', fn() => $recipe->run('migrated', 'official_account()->jssdk->getTicket(false, "wx_card")["ticket"]'));
echo shape($recipe->path('ticket.json')), "\n";

echo "-- WeCom\n";
$token = $recipe->counted('migrated', fn() => $recipe->storm('migrated', 'work()->access_token->getToken()["access_token"]'));
$recipe->counted('legacy', fn() => $recipe->run('legacy', 'work()->access_token->getToken()["access_token"]'));
echo shape($recipe->path('work.json')), "\n";
$recipe->invalidate();
$call = '[($app = work())["base"]->httpGet("cgi-bin/get_api_domain_ip"), $app->access_token->getToken()["access_token"]][1]';
var_dump($recipe->counted('rejected, migrated', fn() => $recipe->storm('migrated', $call)) !== $token);
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/042-easywechat5');
?>
--EXPECT--
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
-- the lifetime that is left
bool(true)
bool(true)
bool(true)
-- nothing was handed out yet: nothing can have been rejected
getRefreshedToken(): fetches: 0
-- rejected by WeChat: the library calls refresh(), and repeats the request
migrated: fetches: 1
bool(true)
bool(true)
-- a ticket, and the library's signature of it
migrated: fetches: 1
migrated, again: fetches: 0
{"jsapi_ticket":"TOKEN","expire":TIME}
bool(true)
-- a card's ticket is the library's, made with the extension's token
migrated: fetches: 1
{"jsapi_ticket":"TOKEN","expire":TIME}
-- WeCom
migrated: fetches: 1
legacy: fetches: 1
{"access_token":"TOKEN","expire":TIME}
rejected, migrated: fetches: 1
bool(true)
