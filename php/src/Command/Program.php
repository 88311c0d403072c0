<?php

namespace WxToken\Command;

/** The command: finds the subcommand, and turns what it throws into a message and an exit code. */
final class Program
{
    /** @var array<string, class-string<Subcommand>> */
    private const COMMANDS = [
        'status' => StatusCommand::class,
        'get' => GetCommand::class,
        'warm' => WarmCommand::class,
        'history' => HistoryCommand::class,
        'doctor' => DoctorCommand::class,
    ];

    /** @param string[] $argv */
    public static function main(array $argv): int
    {
        $terminal = new Terminal();
        $name = $argv[1] ?? '';
        try {
            $code = self::run($terminal, $name, array_slice($argv, 2));
        } catch (UsageError $error) {
            $help = isset(self::COMMANDS[$name]) ? "wx-token $name --help" : 'wx-token --help';
            $terminal->complain('wx-token: ' . rtrim($error->getMessage(), '.') . (substr($error->getMessage(), -1) === '?' ? ' ' : '. ') . "See $help\n");
            return ExitCode::USAGE;
        } catch (\Throwable $error) {
            $place = basename($error->getFile()) . ':' . $error->getLine();
            $terminal->complain('wx-token: this is a bug: ' . Text::clean($error->getMessage(), 300) . " ($place). Please report it\n");
            return ExitCode::SOFTWARE;
        }
        return $terminal->hasArrived() ? $code : ExitCode::OUTPUT;
    }

    /**
     * @param string[] $words
     *
     * @throws UsageError
     */
    private static function run(Terminal $terminal, string $name, array $words): int
    {
        if ($name === '' || in_array($name, ['-h', '--help', 'help'], true)) {
            $topic = $words[0] ?? '';
            if ($name === 'help' && isset(self::COMMANDS[$topic])) {
                return self::help($terminal, $topic);
            }
            $terminal->write(self::overview());
            return $name === '' ? ExitCode::USAGE : ExitCode::OK;
        }
        if (in_array($name, ['-V', '--version'], true)) {
            $terminal->write('wx-token with ' . Implementation::describe() . "\n");
            return ExitCode::OK;
        }
        if (!isset(self::COMMANDS[$name])) {
            $near = Text::nearest($name, array_keys(self::COMMANDS));
            $what = $name[0] === '-' ? 'option' : 'command';
            throw new UsageError("unknown $what \"" . Text::clean($name, 60) . '"' . ($near === null ? '' : ". Did you mean $near?"));
        }
        $class = self::COMMANDS[$name];
        $arguments = Arguments::parse($words, $class::OPTIONS);
        return $arguments->has('help') ? self::help($terminal, $name) : (new $class($terminal))->run($arguments);
    }

    private static function help(Terminal $terminal, string $name): int
    {
        $class = self::COMMANDS[$name];
        $terminal->write($class::SUMMARY . "\n\n" . $class::HELP);
        return ExitCode::OK;
    }

    private static function overview(): string
    {
        $lines = "Shows WeChat token files, gets their tokens, keeps them fresh, and finds out what is wrong.\n\n"
            . "usage: wx-token COMMAND [OPTION]... [FILE]...\n\n";
        foreach (self::COMMANDS as $name => $class) {
            $lines .= '  ' . str_pad($name, 9) . $class::SUMMARY . "\n";
        }
        return $lines . "\nwx-token COMMAND --help shows the options of a command, and its exit codes.\n"
            . "Settings and account are those of PHP on the command line: see `php --ini` and `php --ri wx_token`.\n"
            . "No secret is taken as an argument, since every user of the machine could read it in the list of processes.\n";
    }
}
