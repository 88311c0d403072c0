<?php

namespace WxToken\Command;

/** Whether the command line and php-fpm have the same extension with the same settings. */
final class PhpChecks
{
    private const PROGRAMS = [
        '/usr/sbin/php-fpm*', '/usr/local/sbin/php-fpm*', '/opt/remi/php*/root/usr/sbin/php-fpm', '/www/server/php/*/sbin/php-fpm',
    ];

    /** Settings that are compared, and whose values are never shown. */
    private const SECRET = ['secret', 'store', 'store_password', 'store_key', 'proxy'];

    /** What phpinfo() shows in their place, and its row with the address of the store. */
    private const HIDDEN = '(hidden)';
    private const STORE = 'Store';

    /** @return Finding[] */
    public static function php(Examination $examination): array
    {
        $ini = php_ini_loaded_file();
        $place = $ini === false ? 'no php.ini' : $ini;
        if (Implementation::isExtension()) {
            return [Finding::ok(Implementation::describe() . ", $place")];
        }
        return [Finding::warning(
            'the extension wx_token is not loaded on the command line: the polyfill answers (PHP ' . PHP_VERSION . ", $place)",
            'Load it with extension=wx_token in that php.ini, unless this PHP is to do without it'
        )];
    }

    /** @return Finding[] */
    public static function fpm(Examination $examination): array
    {
        $named = $examination->arguments->value('fpm');
        $programs = $named !== null ? [$named] : array_map(static function (string $path) use ($examination): string {
            return $examination->machine->root . $path;
        }, $examination->machine->find(...self::PROGRAMS));
        if ($programs === []) {
            return [Finding::skipped('no php-fpm was found', 'Name it if there is one: --fpm=/path/to/php-fpm. For Apache, look at a page with phpinfo()')];
        }
        if ($named === null && $examination->machine->root !== '') {
            // A program of that system would run here, as root.
            $finding = Finding::skipped('the php-fpm of the system below ' . $examination->machine->root . ' is not run here', 'If you trust it, name it: --fpm=/path/to/php-fpm');
            return array_merge([$finding], self::pools($examination));
        }
        return array_merge(self::programs($programs), self::pools($examination));
    }

    /**
     * @param string[] $programs Paths of php-fpm, of several versions of PHP maybe.
     *
     * @return Finding[]
     */
    public static function programs(array $programs): array
    {
        $findings = [];
        $without = [];
        $loads = 0;
        foreach ($programs as $program) {
            $said = Machine::run([$program, '-i'], 10.0);
            if ($said === null || preg_match('/^PHP Version => (\S+)/m', $said[1], $version) !== 1) {
                $findings[] = Finding::warning("$program -i does not say what it loads", 'Run it by hand: it may need another user');
                continue;
            }
            $values = self::values($said[1]);
            $name = basename($program) . " (PHP $version[1])";
            if ($values === []) {
                $without[] = $name;
                continue;
            }
            $loads++;
            array_push($findings, ...self::compare($name, $values));
        }
        foreach ($without as $name) {
            $findings[] = $loads > 0 ? Finding::ok("$name does not load the extension wx_token; another php-fpm does")
                : Finding::problem("$name does not load the extension wx_token", 'Load it with extension=wx_token in the php.ini of php-fpm, and restart it');
        }
        return $findings;
    }

    /**
     * @param array<string, string> $values
     *
     * @return Finding[]
     */
    private static function compare(string $name, array $values): array
    {
        if (!Implementation::isExtension()) {
            return [Finding::ok("$name loads the extension {$values['Version']}; here is none to compare it with")];
        }
        $findings = [];
        if ($values['Version'] !== phpversion('wx_token')) {
            $findings[] = Finding::warning(
                "$name has the extension {$values['Version']}, the command line has " . phpversion('wx_token'),
                'Install the same version for both, and restart php-fpm'
            );
        }
        ob_start();
        phpinfo(INFO_MODULES);
        $own = self::values((string) ob_get_clean());
        $different = [];
        foreach (array_diff_key($values, ['Version' => 1]) as $setting => $value) {
            if (isset($own[$setting]) && !self::areSame($value, $own[$setting])) {
                $different[] = self::difference($setting, $value, $own[$setting]);
            }
        }
        if ($different !== []) {
            $findings[] = Finding::warning(
                "$name has other settings than the command line: " . implode('; ', $different),
                'Make the php.ini files of both the same, unless that is intended'
            );
        }
        $isHidden = in_array(self::HIDDEN, $values, true) ? '; the values of secrets cannot be compared' : '';
        return $findings ?: [Finding::ok("$name has the same version and the same settings$isHidden")];
    }

    /** @return array<string, string> The rows that phpinfo() has for the extension. */
    private static function values(string $info): array
    {
        // Lines of the section itself, up to the heading of the next one.
        if (preg_match('/^wx_token\R\R((?:.*=>.*\R|\R(?=.*=>))+)/m', $info, $section) !== 1) {
            return [];
        }
        preg_match_all('/^(Version|Store|wx_token\.(\w+)) => (.*?)(?: => .*)?$/m', $section[1], $rows, PREG_SET_ORDER);
        // Without a store, there is no row of it.
        $values = ['Version' => '', self::STORE => 'none'];
        foreach ($rows as $row) {
            $values[$row[2] === '' ? $row[1] : $row[2]] = $row[3];
        }
        return $values;
    }

    /** Whether two values of php.ini mean the same: PHP makes 1 and 0 of words in some places only. */
    private static function areSame(string $one, string $other): bool
    {
        $meaning = static function (string $value): string {
            $word = strtolower($value);
            return in_array($word, ['on', 'yes', 'true'], true) ? '1' : (in_array($word, ['off', 'no', 'false', 'none', 'no value', ''], true) ? '0' : $value);
        };
        return $meaning($one) === $meaning($other);
    }

    private static function difference(string $setting, string $there, string $here): string
    {
        if ($setting === self::STORE) {
            return "the shared store is $there, here $here";
        }
        return in_array($setting, self::SECRET, true) ? "wx_token.$setting is set in one of them only" : "wx_token.$setting = $there, here $here";
    }

    /** @return Finding[] What pools set for themselves. */
    private static function pools(Examination $examination): array
    {
        $findings = [];
        foreach ($examination->pools as $pool) {
            $different = [];
            foreach ($pool->settings as $setting => $value) {
                if (!self::areSame($value, Setting::of($setting))) {
                    $different[] = in_array($setting, self::SECRET, true) ? "wx_token.$setting (another value)" : "wx_token.$setting = $value";
                }
            }
            if ($different !== []) {
                $findings[] = Finding::warning(
                    "the pool {$pool->name} ({$pool->file}) sets for itself: " . implode(', ', $different),
                    'Cron jobs and wx-token do not see that. Set it in php.ini for both, unless it is intended'
                );
            }
        }
        return $findings;
    }
}
