--TEST--
EasyWeChat 6: one process of all fetches a platform's token, and that of an account that authorized it
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php require __DIR__ . '/../bridge/skip.inc'; ?>
--FILE--
<?php
require __DIR__ . '/recipes.inc';
$recipe = new Recipe(start_emulator('--latency', '100'), 'easywechat', '041-easywechat-platform', ['stand-ins/easywechat6']);

echo "-- component_access_token\n";
$component = 'open_platform()->getComponentAccessToken()->toQuery()["component_access_token"]';
$recipe->counted('legacy', fn() => $recipe->run('legacy', $component));
$store = $recipe->store();
$first = $recipe->counted('migrated', fn() => $recipe->storm('migrated', $component));
$recipe->counted('migrated, again', fn() => $recipe->storm('migrated', $component));
echo shape($recipe->path('component.json')), "\n";

echo "-- an authorized account\n";
$account = 'authorized_account("wxcustomer", "refresh token")->getAccessToken()->getToken()';
$token = $recipe->counted('migrated', fn() => $recipe->storm('migrated', $account));
$recipe->counted('migrated, again', fn() => $recipe->storm('migrated', $account));
echo shape($recipe->path('wxcustomer.json')), "\n";
var_dump($recipe->run('migrated', '(string) authorized_account("wxcustomer", "refresh token")->getAccessToken()') === $token);
echo 'the cache is as it was: ', json_encode($recipe->store() === $store), "\n";

echo "-- rejected by WeChat\n";
$recipe->invalidate();
$call = '[ask($app = authorized_account("wxcustomer", "refresh token"), "cgi-bin/get_api_domain_ip"), $app->getAccessToken()->getToken()][1]';
var_dump($recipe->counted('migrated', fn() => $recipe->storm('migrated', $call)) !== $token);
$refresh = '[($t = open_platform()->getComponentAccessToken())->getToken(), $t->refresh()][1]';
var_dump($recipe->counted('the component\'s', fn() => $recipe->run('migrated', $refresh)) !== $first);

echo "-- both expired\n";
$recipe->expire();
$recipe->counted('migrated', fn() => $recipe->storm('migrated', $account));

echo "-- an error of WeChat's\n";
$recipe->expire();
$recipe->script([["errcode" => 61004]]);
echo $recipe->run('migrated', '(function () {
    try { open_platform()->getComponentAccessToken()->getToken(); } catch (Throwable $e) { return $e::class . " " . $e->getCode(); }
})()'), "\n";
?>
--CLEAN--
<?php
require __DIR__ . '/programs.inc';
remove_directory(__DIR__ . '/041-easywechat-platform');
?>
--EXPECT--
-- component_access_token
legacy: fetches: 1
migrated: fetches: 1
migrated, again: fetches: 0
{"access_token":"TOKEN","expire":TIME}
-- an authorized account
migrated: fetches: 1
migrated, again: fetches: 0
{"access_token":"TOKEN","expire":TIME}
bool(true)
the cache is as it was: true
-- rejected by WeChat
migrated: fetches: 1
bool(true)
the component's: fetches: 1
bool(true)
-- both expired
migrated: fetches: 2
-- an error of WeChat's
WxToken\ApiException 61004
