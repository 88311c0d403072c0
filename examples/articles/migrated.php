<?php
// getToken() migrated. It may be deployed caller by caller: both versions understand the same file.

function getToken($file)
{
    return wx_get_token($file, [
        'appid' => getenv('WX_APPID'),
        'secret' => getenv('WX_SECRET'),
        'endpoint' => 'stable',    // what legacy callers fetch leaves this token alone
    ]);
}
