<?php
// One token for all visitors.

function getWxAccessToken()
{
    return wx_get_token('access_token.json', ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')]);
}
