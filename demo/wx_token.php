<?php
// getToken() migrated. Appid and secret come from WX_APPID and WX_SECRET, as in the legacy versions.

function getToken($file)
{
    return wx_get_token($file);
}
