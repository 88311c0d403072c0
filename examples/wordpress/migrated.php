<?php
// The file takes the place of options and transients. In a plugin, give an absolute path outside the document
// root: wp-content/uploads is public.

const WEIXIN_TOKEN_FILE = 'weixin_access_token.json';

function weixin_access_token()
{
    return wx_get_token(WEIXIN_TOKEN_FILE, weixin_account());
}

function weixin_cached_token()
{
    return wx_get_token(WEIXIN_TOKEN_FILE, weixin_account());
}

/** For a token that WeChat rejected. */
function weixin_renew_token($rejected)
{
    return wx_refresh_token(WEIXIN_TOKEN_FILE, $rejected, weixin_account());
}

function weixin_account()
{
    return ['appid' => getenv('WX_APPID'), 'secret' => getenv('WX_SECRET')];
}
