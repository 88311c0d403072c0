<?php
// Two apps of EasyWeChat 4 or 5 as projects make them. The library keeps tokens and tickets in its cache, without
// a lock. (In the test, ../stand-ins/easywechat5.php is the library.)

use EasyWeChat\Factory;

function official_account()
{
    $app = Factory::officialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    return $app;
}

function work()
{
    $app = Factory::work(['corp_id' => getenv('WX_CORPID'), 'secret' => getenv('WX_CORPSECRET')]);
    return $app;
}
