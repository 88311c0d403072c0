<?php
// The request to WeChat of the programs without the extension.

/** What WeChat answers: access_token and expires_in. The secret travels in the URL: no message may hold it. */
function fetch(): array
{
    $url = getenv('WX_API_BASE') . '/cgi-bin/token?grant_type=client_credential'
        . '&appid=' . getenv('WX_APPID') . '&secret=' . getenv('WX_SECRET');
    $answer = json_decode((string) @file_get_contents($url), true);
    return isset($answer['access_token']) ? $answer : throw new RuntimeException('WeChat gave no token');
}
