<?php
// The apps with tokens and tickets from the extension. The library stays as it is.

use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;
use EasyWeChat\MiniApp\Application as MiniApp;
use EasyWeChat\OfficialAccount\Application as OfficialAccount;
use EasyWeChat\OpenPlatform\Application as OpenPlatform;
use EasyWeChat\Work\Application as Work;

require_once __DIR__ . '/FileAccessToken.php';
require_once __DIR__ . '/FileJsApiTicket.php';
require_once __DIR__ . '/FileWorkTicket.php';
require_once __DIR__ . '/FileAuthorizerAccessToken.php';

function official_account(): OfficialAccount
{
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    return (new OfficialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]))
        ->setAccessToken(new FileAccessToken('official.json', $account))
        ->setTicket(new FileJsApiTicket('jsapi_ticket.json', 'official.json', $account));
}

function mini_app(): MiniApp
{
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    return (new MiniApp(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]))
        ->setAccessToken(new FileAccessToken('mini.json', $account));
}

function work(): Work
{
    $account = ['corpid' => getenv('WX_CORPID'), 'corpsecret' => getenv('WX_CORPSECRET')];
    return (new Work(['corp_id' => getenv('WX_CORPID'), 'secret' => getenv('WX_CORPSECRET')]))
        ->setAccessToken(new FileAccessToken('work.json', $account))
        ->setTicket(new FileWorkTicket('work_ticket.json', 'agent_ticket.json', 'work.json', $account));
}

function open_platform(): OpenPlatform
{
    $app = new OpenPlatform(['app_id' => 'wxcomponent', 'secret' => 'component secret']);
    return $app->setComponentAccessToken(new FileAccessToken('component.json', function () use ($app) {
        $answer = $app->getHttpClient()->request('POST', 'cgi-bin/component/api_component_token', ['json' => [
            'component_appid' => 'wxcomponent',
            'component_appsecret' => 'component secret',
            'component_verify_ticket' => $app->getVerifyTicket()->getTicket(),
        ]])->toArray(false);
        // In the case of an error: null, and WeChat's errcode.
        return ['access_token' => $answer['component_access_token'] ?? null] + $answer;
    }, 'component_access_token'));
}

function authorized_account(string $appId, string $refreshToken): OfficialAccount
{
    $platform = open_platform();
    return $platform->getOfficialAccount(new FileAuthorizerAccessToken($platform, $appId, $refreshToken, "$appId.json"));
}

/** An API of WeChat's. A token that it rejects is replaced, and the call repeated once. */
function ask($app, string $path): array
{
    $answer = $app->getClient()->get($path)->toArray(false);
    $token = $app->getAccessToken();
    if (in_array($answer['errcode'] ?? 0, [40001, 40014, 42001], true) && $token instanceof RefreshableAccessToken) {
        $token->refresh();
        $answer = $app->getClient()->get($path)->toArray(false);
    }
    return $answer;
}
