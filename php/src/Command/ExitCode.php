<?php

namespace WxToken\Command;

/** What the shell gets. The first three are those of monitoring plugins, the others those of sysexits.h. */
final class ExitCode
{
    public const OK = 0;
    public const WARNING = 1;
    public const CRITICAL = 2;
    public const USAGE = 64;
    public const SOFTWARE = 70;
    /** What was to be printed did not get where it should. */
    public const OUTPUT = 74;
}
