<?php

/** What WeChat answers: access_token and expires_in. */
function fetch(): array
{
    $url = getenv('WX_API_BASE') . '/cgi-bin/token?grant_type=client_credential'
        . '&appid=' . getenv('WX_APPID') . '&secret=' . getenv('WX_SECRET');
    return json_decode(file_get_contents($url), true);
}
