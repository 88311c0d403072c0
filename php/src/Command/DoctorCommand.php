<?php

namespace WxToken\Command;

/** `wx-token doctor`: every check that support would ask for, each with what to do. */
final class DoctorCommand extends Subcommand
{
    public const SUMMARY = 'checks settings, account, file, rights, network, clock and log, and says what to do';
    public const OPTIONS = Arguments::CALL + [
        'ask' => Arguments::FLAG, 'force' => Arguments::FLAG, 'user' => Arguments::VALUE, 'root' => Arguments::VALUE,
        'log' => Arguments::VALUE, 'fpm' => Arguments::VALUE, 'sysroot' => Arguments::VALUE, 'json' => Arguments::FLAG,
    ];
    public const HELP = <<<'E'
usage: wx-token doctor [OPTION]... [FILE]

Checks, in this order: PHP, php-fpm, account, file, rights of the web server's user, other writers, lock, name lookup,
TLS, clock, WeChat (with --ask), shared store, SELinux, log, and whether others can read the file. It changes nothing,
and never shows a token or a secret. Run it as root: it can then try what the web server's user may do.

  --ask                 fetches a token, for a temporary file, to see whether WeChat takes the AppSecret and this IP.
                        With the endpoints stable and wecom that is harmless. With classic it ends the token that is in
                        use: it is refused without --force
  --user=NAME           the user of the web server; without it, that of the pools of php-fpm, or www-data
  --root=DIR            a document root; without it, those of nginx's and Apache's configuration, and DOCUMENT_ROOT
  --log=LOG             another log than that of wx_token.log
  --fpm=PROGRAM         another php-fpm than those in the usual places
  --sysroot=DIR         reads the configuration of the system (/etc, /sys) below DIR, as of a container
  --appid=ID            one of several accounts of wx_token.accounts_file (--corpid=ID for WeCom)
  --endpoint=NAME       stable, classic or wecom
  --layout=NAME         what an ambiguous file means, as in the calls on it
  --timeout=S           longest time of a fetch
  --json                one object, with a list of findings

exit codes: the largest of all checks counts
   0  all checks passed, or were skipped
   1  there are warnings
   2  there are problems
  64  the command line is wrong

E;

    /** Each check by its name in JSON: its title, and the function that makes it. */
    private const CHECKS = [
        'php' => ['PHP', [PhpChecks::class, 'php']],
        'fpm' => ['php-fpm', [PhpChecks::class, 'fpm']],
        'account' => ['account', [AccountCheck::class, 'account']],
        'file' => ['token file', [FileChecks::class, 'file']],
        'rights' => ['rights', [FileChecks::class, 'rights']],
        'writers' => ['other writers', [LogChecks::class, 'writers']],
        'lock' => ['lock', [FileChecks::class, 'lock']],
        'names' => ['name lookup', [NetworkChecks::class, 'names']],
        'tls' => ['TLS', [NetworkChecks::class, 'tls']],
        'clock' => ['clock', [NetworkChecks::class, 'clock']],
        'ask' => ['WeChat', [NetworkChecks::class, 'ask']],
        'store' => ['shared store', [StoreCheck::class, 'store']],
        'selinux' => ['SELinux', [SelinuxCheck::class, 'selinux']],
        'log' => ['log', [LogChecks::class, 'log']],
        'exposure' => ['exposure', [ExposureCheck::class, 'exposure']],
    ];

    private const CODES = [
        Finding::SKIPPED => ExitCode::OK, Finding::OK => ExitCode::OK, Finding::WARNING => ExitCode::WARNING,
        Finding::PROBLEM => ExitCode::CRITICAL,
    ];

    private const COLOURS = [Finding::SKIPPED => 'dim', Finding::OK => 'green', Finding::WARNING => 'yellow', Finding::PROBLEM => 'red'];

    /** @throws UsageError */
    public function run(Arguments $arguments): int
    {
        $examination = new Examination($arguments);
        $isJson = $arguments->has('json');
        if (!$isJson) {
            $file = $examination->file === null ? 'without a token file' : Text::clean($examination->file);
            $user = $examination->user === null ? '' : ", for the user {$examination->user->name}";
            $this->terminal->write($this->terminal->colour('bold', rtrim($this->terminal->paragraph("wx-token doctor: $file$user"), "\n")) . "\n\n");
        }
        $all = [];
        $code = ExitCode::OK;
        $counts = array_fill_keys(array_keys(self::CODES), 0);
        foreach (self::CHECKS as $name => [$title, $check]) {
            $this->terminal->progress("checking: $title");
            foreach (Finding::notable($check($examination)) as $finding) {
                $counts[$finding->verdict]++;
                $code = max($code, self::CODES[$finding->verdict]);
                $all[] = ['check' => $name, 'verdict' => $finding->verdict, 'text' => $finding->text, 'advice' => $finding->advice];
                $this->terminal->write($isJson ? '' : $this->shown($title, $finding));
            }
        }
        $this->terminal->write($isJson
            ? Json::line(['file' => $examination->file === null ? null : Text::clean($examination->file), 'findings' => $all, 'code' => $code])
            : "\n" . $this->terminal->paragraph(self::sum($counts)));
        return $code;
    }

    private function shown(string $title, Finding $finding): string
    {
        $verdict = $this->terminal->colour(self::COLOURS[$finding->verdict], Text::pad($finding->verdict, 7));
        $isNarrow = $this->terminal->width() < 70;
        $indent = str_repeat(' ', $isNarrow ? 4 : 24);
        $first = $isNarrow ? "$verdict  " . $this->terminal->colour('bold', $title) . "\n$indent" : "$verdict  " . Text::pad($title, 13) . '  ';
        $text = $this->terminal->paragraph($finding->text, $indent, $first);
        // The arrow tells what to do from what is.
        return $text . ($finding->advice === null ? '' : $this->terminal->paragraph($finding->advice, "$indent   ", "$indent-> "));
    }

    private static function sum(array $counts): string
    {
        $parts = [];
        foreach ([[Finding::PROBLEM, 'problem'], [Finding::WARNING, 'warning']] as [$verdict, $word]) {
            if ($counts[$verdict] > 0) {
                $parts[] = Text::count($counts[$verdict], $word);
            }
        }
        return ($parts === [] ? 'no problem was found' : implode(' and ', $parts))
            . ($counts[Finding::SKIPPED] > 0 ? '; ' . Text::count($counts[Finding::SKIPPED], 'check was', 'checks were') . ' skipped' : '');
    }
}
