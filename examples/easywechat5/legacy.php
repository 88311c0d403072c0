<?php
// An official account of EasyWeChat 4 or 5 as projects make it. The library keeps token and ticket in its cache,
// without a lock. (In the test, ../stand-ins/easywechat5.php is the library.)

use EasyWeChat\Factory;

function official_account()
{
    $app = Factory::officialAccount(['app_id' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
    return $app;
}
