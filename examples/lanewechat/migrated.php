<?php
// The class migrated: the body of one method. Delete _getAccessToken() and _checkAccessToken().

namespace LaneWeChat\Core;

define('WECHAT_APPID', getenv('WX_APPID'));    // in the project: config.php
define('WECHAT_APPSECRET', getenv('WX_SECRET'));

class AccessToken
{
    public static function getAccessToken()
    {
        return wx_get_token('access_token',
            ['appid' => WECHAT_APPID, 'secret' => WECHAT_APPSECRET, 'layout' => 'time+expires_in']);
    }
}
