<?php

namespace WxToken\Command;

/** What a call's exception means for a shell. */
final class Failure
{
    /** A failure that passes by itself is a warning; what somebody has to mend is critical. */
    public static function exitCode(\WxToken\Exception $error): int
    {
        $mustBeMended = $error instanceof \WxToken\FileException || $error instanceof \WxToken\ConfigException;
        return $mustBeMended ? ExitCode::CRITICAL : ExitCode::WARNING;
    }
}
