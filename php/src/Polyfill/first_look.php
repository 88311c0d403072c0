<?php

namespace WxToken\Polyfill;

/**
 * The fresh token of `$file`, if it is a usual file and has not been changed just now; null if this look does not tell.
 *
 * In most requests this is the only call, so it is to cost no more than reading and decoding the file: it needs no
 * class, knows one layout, and asks for the state of the file once, behind the read. Where it returns null, a proper
 * look follows. That one also remembers, so it takes over in a process that asks for longer.
 *
 * @param mixed $source As of wx_get_token().
 */
function first_look(string $file, $source): ?string
{
    static $since = 0;
    $now = \time();
    $since = $since ?: $now;
    // Once that class is loaded, there may be more to know than the file says.
    if ($file === '' || $file[0] !== '/' || $now - $since > 1 || \class_exists(UnstoredToken::class, false)
        || \get_cfg_var('wx_token.refresh_ahead') !== false || ($source !== null && !is_account($source))
    ) {
        return null;
    }
    \set_error_handler('WxToken\Polyfill\ignore_warning');
    // A FIFO must not block, and what cannot be opened is not told of here.
    $handle = \fopen($file, 'rne');
    $text = $handle === false ? '' : (string) \stream_get_line($handle, 4096, '}');
    // A write sets the time of change first: what was read is whole if that is past by now.
    \clearstatcache();
    $isWhole = $text !== '' && \filectime($file) < $now - 1 && \filesize($file) === \strlen($text) + 1;
    \restore_error_handler();
    $start = \strpos($text, '{"access_token":"');
    if ($start !== 0 && ($start !== 15 || \strncmp($text, '<?php exit();?>', 15) !== 0)) {
        return null;
    }
    $start += 17;
    $end = (int) \strpos($text, '"', $start);
    $token = (string) \substr($text, $start, $end - $start);
    $expiry = (int) \substr($text, -10);
    // Due is what expires within refresh_ahead, and no token of other code is valid for longer than a day.
    if (!$isWhole || $token === '' || $expiry <= $now + 301 || $expiry > $now + 86400 || \trim($token, '!#..[]..~') !== ''
        || !isset(['","expire":' => 1, '","expire_time":' => 1, '","expires":' => 1, '","expires_at":' => 1, '","expired":' => 1][\substr($text, $end, -10)])
    ) {
        return null;
    }
    return $token;
}

/** Whether the options are those of an account alone, and valid. */
function is_account($source): bool
{
    return \is_array($source) && \count($source) === 2 && isset($source['appid'], $source['secret'])
        && \is_string($source['appid']) && \is_string($source['secret'])
        && \preg_match('/^[!-~]+ [!-~]+$/D', "$source[appid] $source[secret]") === 1;
}

function ignore_warning(): bool
{
    return true;
}
