<?php
/*
 * The bridge with EasyWeChat 6 itself, against the emulator. It is no part of `make test`: EasyWeChat is not in Debian.
 *
 *     php -d extension=wx_token php/tests/with-easywechat.php VENDOR/autoload.php
 *
 * The autoloader is that of a project with w7corp/easywechat and this library. WECHAT_EMULATOR names the emulator, if
 * it is not that of `make build`. Prints a line for each check; the exit status is 1 if one fails.
 */
declare(strict_types=1);

use EasyWeChat\MiniApp\Application as MiniApp;
use EasyWeChat\OfficialAccount\Application as OfficialAccount;
use EasyWeChat\OpenPlatform\Application as OpenPlatform;
use EasyWeChat\Work\Application as Work;
use Symfony\Component\HttpClient\MockHttpClient;
use Symfony\Component\HttpClient\Response\MockResponse;
use WxToken\EasyWeChat\AccessToken;
use WxToken\EasyWeChat\AuthorizerAccessToken;
use WxToken\EasyWeChat\HealingClient;
use WxToken\EasyWeChat\JsApiTicket;
use WxToken\EasyWeChat\WorkJsApiTicket;
use WxToken\JsSdk;

require __DIR__ . '/../../demo/Emulator.php';

const WORK = ['corpid' => 'ww0123456789abcdef', 'corpsecret' => 'fedcba9876543210fedcba9876543210fedcba98765'];
const ACCOUNT = ['appid' => Emulator::APPID, 'secret' => Emulator::SECRET, 'endpoint' => 'classic'];

if (!isset($argv[1])) {
    fwrite(STDERR, "usage: php -d extension=wx_token {$argv[0]} VENDOR/autoload.php\n");
    exit(2);
}
if (getenv('WX_API_BASE') === false) {
    // PHP reads the emulator's address at its start, so a second PHP does the work.
    $emulator = new Emulator(getenv('WECHAT_EMULATOR') ?: __DIR__ . '/../../target/release/wechat-emulator');
    putenv("WX_API_BASE=$emulator->url");
    $command = [PHP_BINARY, '-n', '-d', 'extension=' . (getenv('WX_TOKEN_SO') ?: 'wx_token'), '-d', 'error_log=/dev/null'];
    exit(proc_close(proc_open([...$command, '-d', "wx_token.api_base=$emulator->url", ...$argv], [], $pipes)));
}

require $argv[1];
$api = getenv('WX_API_BASE');
$directory = sys_get_temp_dir() . '/with-easywechat-' . getmypid();
mkdir($directory, 0700);
register_shutdown_function(function () use ($directory) {
    array_map('unlink', glob("$directory/{,.}*[!.]*", GLOB_BRACE));
    rmdir($directory);
});
$failed = 0;
$check = function (string $what, bool $holds) use (&$failed): void {
    echo $holds ? 'ok      ' : 'FAILED  ', $what, "\n";
    $failed += $holds ? 0 : 1;
};
$fetches = fn(): int => array_sum(http_json("$api/emulator/stats")['fetches']);
$config = ['app_id' => Emulator::APPID, 'secret' => Emulator::SECRET, 'http' => ['base_uri' => "$api/"]];

echo 'EasyWeChat ', class_exists(Composer\InstalledVersions::class)
    ? Composer\InstalledVersions::getPrettyVersion('w7corp/easywechat') : 'of unknown version', ', PHP ', PHP_VERSION, "\n";

foreach (['official account' => OfficialAccount::class, 'mini program' => MiniApp::class] as $name => $class) {
    foreach (['plain' => [], 'with http.retry' => ['retry' => true]] as $kind => $http) {
        $token = new AccessToken("$directory/" . strtr("$name.json", ' ', '_'), ACCOUNT);
        $app = new $class(array_replace_recursive($config, ['http' => $http]));
        $app->setAccessToken($token)->setHttpClient(new HealingClient($app->getHttpClient(), $token));
        $answer = $app->getClient()->get('cgi-bin/get_api_domain_ip');
        $check("$name, $kind: a valid token", isset($answer->toArray(false)['ip_list']));
        foreach (['invalidate' => 40001, 'expire' => 42001] as $how => $errcode) {
            $token->getToken();
            http_json("$api/emulator/$how", 'POST');
            $before = $fetches();
            $answer = $app->getClient()->get('cgi-bin/get_api_domain_ip');
            $healed = isset($answer->toArray(false)['ip_list']);
            $check("$name, $kind: $errcode is healed by one fetch", $healed && $fetches() - $before === 1);
            if ($kind === 'plain') {
                $check("$name: $errcode costs one repeated request", count($answer->getInfo('previous_info') ?? []) === 1);
            }
        }
    }
}

$bodies = [];
$wechat = new MockHttpClient(function ($method, $url, $options) use (&$bodies) {
    $bodies[] = $options['body'];
    $answer = count($bodies) === 1 ? '{"errcode":40001,"errmsg":"invalid credential"}' : '{"errcode":0}';
    return new MockResponse($answer, ['response_headers' => ['content-type' => 'application/json']]);
}, 'https://api.weixin.qq.com/');
$token = new AccessToken("$directory/official_account.json", ACCOUNT);
$app = (new OfficialAccount($config))->setAccessToken($token)->setHttpClient(new HealingClient($wechat, $token));
$answer = $app->getClient()->with('appid', 'wx1')->postJson('cgi-bin/menu/create', ['button' => '一'])->toArray(false);
$check('parts of with() are in the repeated request, too', $answer === ['errcode' => 0]
    && count($bodies) === 2 && $bodies[0] === $bodies[1] && json_decode($bodies[0], true) === ['appid' => 'wx1', 'button' => '一']);

$url = 'https://example.com/page?a=1';
$app->setTicket(new JsApiTicket("$directory/ticket.json", "$directory/official_account.json", ACCOUNT));
$signed = $app->getUtils()->buildJsSdkConfig($url, ['scanQRCode']);
$ticket = $app->getTicket()->getTicket();
$check('the JS-SDK configuration of an official account', $signed['appId'] === Emulator::APPID
    && $signed['signature'] === sha1("jsapi_ticket=$ticket&noncestr={$signed['nonceStr']}&timestamp={$signed['timestamp']}&url=$url"));

$token = new AccessToken("$directory/work.json", WORK);
$app = new Work(['corp_id' => WORK['corpid'], 'secret' => WORK['corpsecret'], 'http' => ['base_uri' => "$api/"]]);
$app->setAccessToken($token)->setHttpClient(new HealingClient($app->getHttpClient(), $token));
$app->setTicket(new WorkJsApiTicket("$directory/jsapi.json", "$directory/agent.json", "$directory/work.json", WORK));
$old = $token->getToken();
http_json("$api/emulator/expire", 'POST');
$answer = $app->getClient()->get('cgi-bin/get_api_domain_ip')->toArray(false);
$check('WeCom: 42001 is healed', isset($answer['ip_list']) && $token->getToken() !== $old);
foreach (['createConfigSignature' => [], 'createAgentConfigSignature' => [1000002]] as $method => $arguments) {
    $ticket = $arguments ? $app->getTicket()->getAgentTicket(...$arguments) : $app->getTicket()->getTicket();
    $signed = $app->getTicket()->$method(...$arguments, ...[$url, 'nonce', 1414587457]);
    $check("WeCom: $method()", $signed['signature'] === JsSdk::signature($ticket, 'nonce', 1414587457, $url));
}

$asked = 0;
$wechat = new MockHttpClient(function ($method, $url) use (&$asked) {
    $answer = match (true) {
        str_contains($url, 'api_component_token') => ['component_access_token' => 'component', 'expires_in' => 7200],
        str_contains($url, 'api_authorizer_token') => ['authorizer_access_token' => 'customer' . ++$asked, 'expires_in' => 7200],
        str_contains($url, 'access_token=customer1') => ['errcode' => 42001],
        default => ['errcode' => 0],
    };
    return new MockResponse(json_encode($answer), ['response_headers' => ['content-type' => 'application/json']]);
}, 'https://api.weixin.qq.com/');
$platform = (new OpenPlatform(['app_id' => 'wxcomponent', 'secret' => 'hidden', 'token' => 't', 'aes_key' => str_repeat('a', 43)]))
    ->setHttpClient($wechat);
$platform->setComponentAccessToken(new AccessToken("$directory/component.json",
    fn() => ['access_token' => 'component', 'expires_in' => 7200], 'component_access_token'));
$token = new AuthorizerAccessToken($platform, 'wxcustomer', 'refresh token', "$directory/wxcustomer.json");
$app = $platform->getOfficialAccount($token)->setHttpClient(new HealingClient($wechat, $token));
$answer = $app->getClient()->get('cgi-bin/menu/get')->toArray(false);
$check('an authorized account: 42001 is healed', $answer === ['errcode' => 0] && $asked === 2);

exit($failed ? 1 : 0);
