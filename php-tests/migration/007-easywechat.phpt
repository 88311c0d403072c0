--TEST--
The access token for EasyWeChat 6 keeps its contract, and refreshes the token that it handed out last
--EXTENSIONS--
wx_token
--FILE--
<?php
use WxToken\EasyWeChat\AccessToken;

// The package is not installed: interfaces of the same shape, loaded before the adapter.
eval('namespace EasyWeChat\Kernel\Contracts;
interface AccessToken { public function getToken(): string; public function toQuery(): array; }
interface RefreshableAccessToken extends AccessToken { public function refresh(): string; }');
foreach (['ReplaceableAccessToken', 'OverTokenFile', 'AccessToken'] as $name) {
    require __DIR__ . "/../../php/src/EasyWeChat/$name.php";
}

$file = __DIR__ . '/007-easywechat.json';
@unlink($file);
$fetches = 0;
$loader = function () use (&$fetches) {
    return ['access_token' => 'token' . ++$fetches, 'expires_in' => 7200];
};
$token = new AccessToken($file, $loader);
$other = new AccessToken($file, $loader);
var_dump($token instanceof EasyWeChat\Kernel\Contracts\AccessToken);

echo "-- one fetch for all calls\n";
var_dump($token->getToken(), $other->getToken(), $token->toQuery(), $fetches);
echo "-- refused: the first to say so fetches\n";
var_dump($token->refresh(), $token->getToken(), $fetches);
echo "-- the second comes with a token that is replaced already\n";
var_dump($other->refresh(), $fetches);
echo "-- refused again\n";
var_dump($other->refresh(), $fetches);
echo "-- what was handed out by toQuery() counts, too\n";
var_dump($token->toQuery(), $token->refresh(), $fetches);
echo "-- nothing was handed out yet: nothing can have been refused\n";
var_dump((new AccessToken($file, $loader))->refresh(), $fetches);
echo "-- account options\n";
$account = ['appid' => 'wx1', 'secret' => 'hidden', 'endpoint' => 'stable'];
var_dump((new AccessToken($file, $account))->getToken());
try {
    (new AccessToken($file, $account + ['app' => 1]))->getToken();
} catch (ValueError $e) {
    var_dump(str_contains($e->getMessage(), 'unknown option "app"'));
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/007-easywechat.json'); ?>
--EXPECT--
bool(true)
-- one fetch for all calls
string(6) "token1"
string(6) "token1"
array(1) {
  ["access_token"]=>
  string(6) "token1"
}
int(1)
-- refused: the first to say so fetches
string(6) "token2"
string(6) "token2"
int(2)
-- the second comes with a token that is replaced already
string(6) "token2"
int(2)
-- refused again
string(6) "token3"
int(3)
-- what was handed out by toQuery() counts, too
array(1) {
  ["access_token"]=>
  string(6) "token3"
}
string(6) "token4"
int(4)
-- nothing was handed out yet: nothing can have been refused
string(6) "token4"
int(4)
-- account options
string(6) "token4"
bool(true)
