<?php
// The apps with tokens and tickets from the extension, by the library wx-token/php. EasyWeChat stays as it is.

use EasyWeChat\MiniApp\Application as MiniApp;
use EasyWeChat\OfficialAccount\Application as OfficialAccount;
use EasyWeChat\OpenPlatform\Application as OpenPlatform;
use EasyWeChat\Work\Application as Work;
use WxToken\EasyWeChat\AccessToken;
use WxToken\EasyWeChat\AuthorizerAccessToken;
use WxToken\EasyWeChat\HealingClient;
use WxToken\EasyWeChat\JsApiTicket;
use WxToken\EasyWeChat\WorkJsApiTicket;

function official_account(): OfficialAccount
{
    $account = ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
    $token = new AccessToken('official.json', $account);
    $app = new OfficialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    return $app->setAccessToken($token)
        ->setHttpClient(new HealingClient($app->getHttpClient(), $token))
        ->setTicket(new JsApiTicket('jsapi_ticket.json', 'official.json', $account));
}

function mini_app(): MiniApp
{
    $token = new AccessToken('mini.json', ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    $app = new MiniApp(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    return $app->setAccessToken($token)->setHttpClient(new HealingClient($app->getHttpClient(), $token));
}

function work(): Work
{
    $account = ['corpid' => getenv('WX_CORPID'), 'corpsecret' => getenv('WX_CORPSECRET')];
    $token = new AccessToken('work.json', $account);
    $app = new Work(['corp_id' => getenv('WX_CORPID'), 'secret' => getenv('WX_CORPSECRET')]);
    return $app->setAccessToken($token)
        ->setHttpClient(new HealingClient($app->getHttpClient(), $token))
        ->setTicket(new WorkJsApiTicket('work_ticket.json', 'agent_ticket.json', 'work.json', $account));
}

function open_platform(): OpenPlatform
{
    $app = new OpenPlatform(['app_id' => 'wxcomponent', 'secret' => 'component secret']);
    return $app->setComponentAccessToken(new AccessToken('component.json', function () use ($app) {
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
    $token = new AuthorizerAccessToken($platform, $appId, $refreshToken, "$appId.json");
    $app = $platform->getOfficialAccount($token);
    return $app->setHttpClient(new HealingClient($app->getHttpClient(), $token));
}

/** An API of WeChat's. A token that it rejects is replaced, and the call repeated once: by the HealingClient. */
function ask($app, string $path): array
{
    return $app->getClient()->get($path)->toArray(false);
}
