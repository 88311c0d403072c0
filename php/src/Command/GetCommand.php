<?php

namespace WxToken\Command;

/** `wx-token get`: prints a valid token, for cron jobs and other languages. */
final class GetCommand extends Subcommand
{
    public const SUMMARY = 'prints the valid token of a file, refreshed if necessary';
    public const OPTIONS = Arguments::CALL;
    public const HELP = <<<'E'
usage: wx-token get [OPTION]... FILE

Prints the token, and nothing else, to the standard output. Messages go to the standard error. A token that is due
is printed at once; the command then waits for its refresh to end.

  --appid=ID            one of several accounts of wx_token.accounts_file (--corpid=ID for WeCom)
  --endpoint=NAME       stable, classic or wecom
  --layout=NAME         how a new file writes token and expiry, or an ambiguous one
  --refresh-ahead=S     seconds before its expiry at which a token is due
  --lock-timeout=S      longest wait for the lock
  --timeout=S           longest time of a fetch

AppID and AppSecret are those of PHP on the command line: wx_token.accounts_file, wx_token.appid and wx_token.secret,
or WX_APPID and WX_SECRET in the environment.

exit codes:
   0  the token was printed
   1  WeChat gave no token, or the lock was not acquired in time: the next call may succeed
   2  the file or the configuration cannot be used
  64  the command line is wrong
  74  the token could not be written to the standard output

E;

    /** @throws UsageError */
    public function run(Arguments $arguments): int
    {
        [$file] = $arguments->files(1, 1);
        try {
            $this->terminal->write(Functions::token($file, $arguments->source()) . "\n");
            return ExitCode::OK;
        } catch (UnfitPath $error) {
            throw new UsageError(Text::clean($file) . ": {$error->getMessage()}");
        } catch (\WxToken\Exception $error) {
            $this->terminal->complain('wx-token: ' . Text::clean($error->getMessage()) . "\n");
            return Failure::exitCode($error);
        }
    }
}
