<?php

namespace WxToken\Command;

use WxToken\Polyfill\Errcode;

/** The recorded failure of a file in words, with what to do. */
final class FailureText
{
    /** @param array $failure As in a status. */
    public static function of(array $failure, Clock $clock): string
    {
        $text = $failure['errcode'] === null ? '' : "errcode {$failure['errcode']}, ";
        $text .= Text::clean($failure['message'], 300);
        if ($failure['errcode'] !== null && $failure['errcode'] !== Errcode::SYSTEM_BUSY) {
            $text .= '. ' . Errcode::advice($failure['errcode'], $failure['message'], Errcode::TOKEN);
        }
        $count = $failure['failures'] > 1 ? Text::count($failure['failures'], 'failure') . ' in a row; ' : '';
        $left = $failure['retry_at'] - time();
        $next = $left > 0 ? 'next attempt in ' . Text::duration($left) : 'the next call tries again';
        return $text . " ($count" . "failed at {$clock->time($failure['failed_at'])}, $next)";
    }
}
