<?php
// The file takes the place of the cache. In a project, give an absolute path outside the document root, and not in
// runtime/, which `php think clear` empties.

const WX_TOKEN_FILE = 'access_token.json';

/** ThinkPHP 3. */
function get_access_token_tp3()
{
    return wx_get_token(WX_TOKEN_FILE, wx_account());
}

/** ThinkPHP 5, 6 and 8. */
function get_access_token()
{
    return wx_get_token(WX_TOKEN_FILE, wx_account());
}

/** ThinkPHP 5.1, 6 and 8. Not the callable of Cache::remember(): that would keep the token for another 7000 s. */
function remember_access_token()
{
    return wx_get_token(WX_TOKEN_FILE, wx_account());
}

/** For a token that WeChat rejected: the first to say so replaces it, and the others get the new one. */
function renew_access_token($rejected)
{
    return wx_refresh_token(WX_TOKEN_FILE, $rejected, wx_account());
}

function wx_account()
{
    return ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
}
