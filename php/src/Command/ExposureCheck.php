<?php

namespace WxToken\Command;

use WxToken\Polyfill\Guard;
use WxToken\Polyfill\Path;
use WxToken\Polyfill\Problem;

/** Whether a web server, or another user, could hand the token file out: or the temporary file beside it. */
final class ExposureCheck
{
    private const NGINX = [
        '/etc/nginx/nginx.conf', '/etc/nginx/conf.d/*.conf', '/etc/nginx/sites-enabled/*', '/usr/local/nginx/conf/*.conf',
        '/www/server/panel/vhost/nginx/*.conf',
    ];
    private const APACHE = [
        '/etc/apache2/*.conf', '/etc/apache2/conf-enabled/*.conf', '/etc/apache2/sites-enabled/*', '/etc/httpd/conf/*.conf', '/etc/httpd/conf.d/*.conf',
        '/www/server/panel/vhost/apache/*.conf',
    ];

    /** @return Finding[] */
    public static function exposure(Examination $examination): array
    {
        if ($examination->file === null) {
            return [Finding::skipped('no token file is named')];
        }
        try {
            $file = Path::resolve($examination->file);
        } catch (Problem $problem) {
            return [Finding::skipped(AccountCheck::split($problem->getMessage())[0])];
        }
        $findings = [];
        $roots = self::roots($examination);
        foreach ($roots as $root => $place) {
            $real = realpath($root);
            if ($real !== false && strncmp($file, rtrim($real, '/') . '/', strlen(rtrim($real, '/')) + 1) === 0) {
                $findings[] = self::below($file, "$real ($place)");
                break;
            }
        }
        $findings[] = self::readers($file);
        $told = $examination->status['exposed'] ?? null;
        $findings = array_values(array_filter($findings));
        if ($findings === [] && $told !== null) {
            $findings[] = Finding::warning(...AccountCheck::split($told));
        }
        $where = $roots === [] ? 'no document root was found; name it: --root=DIR' : 'it is below no document root (' . count($roots) . ' known)';
        $readers = file_exists($file) ? 'only its owner and group can read it' : 'it does not exist yet';
        return $findings ?: [Finding::ok("$readers; $where")];
    }

    /** Each document root that is known, and where it stands. */
    private static function roots(Examination $examination): array
    {
        $named = $examination->arguments->value('root');
        if ($named !== null) {
            return [$named => '--root'];
        }
        $roots = [];
        foreach ([[self::NGINX, '/(?:^|(?<=[;{}]))\s*(?:root|alias)\s+["\']?([^;{}"\']+?)["\']?\s*;/m'], [self::APACHE, '/^\s*DocumentRoot\s+"?([^"\n]+?)"?\s*$/mi']] as [$patterns, $line]) {
            foreach ($examination->machine->find(...$patterns) as $path) {
                $text = preg_replace('/(?:^|(?<=[\s;{}]))#.*/m', '', (string) $examination->machine->read($path));
                preg_match_all($line, (string) $text, $matches);
                $roots += array_fill_keys($matches[1], $path);
            }
        }
        $environment = (string) getenv('DOCUMENT_ROOT');
        return $environment === '' ? $roots : $roots + [$environment => 'DOCUMENT_ROOT'];
    }

    private static function below(string $file, string $root): ?Finding
    {
        $start = is_readable($file) && is_file($file) ? (string) file_get_contents($file, false, null, 0, 4096) : '';
        $isRun = preg_match('/\.php$/Di', $file) === 1;
        $isGuarded = Guard::split($start)[0] !== '';
        $advice = 'Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token';
        if (!$isRun || (!$isGuarded && is_file($file))) {
            $why = $isRun ? 'and has no guard (<?php exit();?>)' : 'and its name does not end in .php';
            return Finding::warning("it is below the document root $root, $why: the web server hands the token to everybody who asks for it", $advice);
        }
        // The web server runs what ends in .php only. A killed process leaves its file behind.
        $left = array_filter(glob(dirname($file) . '/.' . addcslashes(basename($file), '*?[]{}\\') . '.wx_token.*') ?: [], static function (string $name): bool {
            return preg_match('/\.php$/Di', $name) !== 1;
        });
        if ($left !== []) {
            return Finding::warning('a temporary file is below the document root ' . "$root: " . reset($left) . '. The web server hands it to everybody who asks for it', 'Remove it. ' . $advice);
        }
        return Finding::warning("it is below the document root $root; the guard alone protects it", $advice);
    }

    private static function readers(string $file): ?Finding
    {
        clearstatcache();
        if (!is_file($file) || (fileperms($file) & 04) === 0) {
            return null;
        }
        for ($directory = dirname($file); $directory !== '/'; $directory = dirname($directory)) {
            if ((fileperms($directory) & 01) === 0) {
                return null;
            }
        }
        return Finding::warning('every user of this machine can read it (' . FileChecks::owner($file) . ')', 'chmod o-rwx ' . escapeshellarg($file) . ', if none of them needs it');
    }
}
