--TEST--
wx-token doctor: the settings of php-fpm and its pools beside those of the command line
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('011-doctor-fpm');
$emulator = command_emulator();
$settings = emulated($emulator);
// A system of its own: users, pools, web servers.
$system = "$directory/system";
foreach (['etc/php/8.2/fpm/pool.d', 'etc/nginx/sites-enabled', 'etc/apache2/sites-enabled'] as $folder) {
    mkdir("$system/$folder", 0755, true);
}
file_put_contents("$system/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:3333:3333::/var/www:/bin/false\nother:x:3334:3334::/:/bin/false\n");
file_put_contents("$system/etc/group", "root:x:0:\nwww-data:x:3333:\nsite:x:3335:www-data\n");
$pool = "$system/etc/php/8.2/fpm/pool.d/www.conf";
file_put_contents($pool, "[www]\nuser = www-data\npm = dynamic\n");

/** What the doctor finds of one subject. */
$doctor = static function ($check, array $arguments, array $more = [], array $environment = []) use ($settings, $system) {
    list($code, $output, $said) = wx_token(array_merge(['doctor', '--json', "--sysroot=$system"], $arguments), $more + $settings, $environment);
    foreach (json_decode($output, true)['findings'] as $finding) {
        if ($finding['check'] === $check) {
            echo steady("$check: {$finding['verdict']}: {$finding['text']}" . ($finding['advice'] === null ? '' : "\n    -> {$finding['advice']}")), "\n";
        }
    }
    echo steady($said);
    return $code;
};

/** A php-fpm that says what this PHP says, with a change. */
$fpm = static function ($version, array $values, $store = null) use ($directory) {
    $rows = '';
    foreach ($values as $name => $value) {
        $rows .= "wx_token.$name => $value => $value\n";
    }
    $info = "PHP Version => 8.2.99\n\nother\n\nx => y\n" . ($version === null ? '' : "\nwx_token\n\nwx_token support => enabled\nVersion => $version\n" . ($store === null ? '' : "Store => $store\n") . "\nDirective => Local Value => Master Value\n$rows")
        . "\nxml\n\nVersion => 1\n";
    file_put_contents("$directory/php-fpm", "#!/bin/sh\ncat <<'END'\n{$info}END\n");
    chmod("$directory/php-fpm", 0755);
    return "--fpm=$directory/php-fpm";
};
$own = phpversion('wx_token');
$doctor('fpm', [$fpm($own, ['appid' => COMMAND_APPID, 'timeout' => '8'])]);
$doctor('fpm', [$fpm('9.9.9', ['appid' => COMMAND_APPID])]);
// Both are hidden: the addresses of the stores tell them apart.
$doctor('fpm', [$fpm($own, ['store' => '(hidden)'], 'redis://one:1')], ['wx_token.store' => 'redis://u:pass-word@one:1']);
$doctor('fpm', [$fpm($own, ['store' => '(hidden)'], 'redis://other:1')], ['wx_token.store' => 'redis://u:pass-word@one:1']);
$doctor('fpm', [$fpm($own, ['background' => 'On'])], ['wx_token.background' => '1']);
$doctor('fpm', [$fpm($own, ['appid' => 'wxfedcba9876543210', 'timeout' => '9'])]);
file_put_contents($pool, "[www]\nuser = www-data\nphp_admin_value[wx_token.endpoint] = classic ; why\nphp_value[wx_token.secret]=\"fed\"\n"
    . 'php_admin_value[wx_token.appid] = ' . COMMAND_APPID . "\n");
$doctor('fpm', [$fpm($own, [])]);
foreach (['on', 'off'] as $flag) {
    file_put_contents($pool, "[www]\nuser = www-data\nphp_admin_flag[wx_token.background] = $flag\n");
    $doctor('fpm', [$fpm($own, [])]);
}
file_put_contents($pool, "[www]\nuser = www-data\n");
list($code, $output) = wx_token(['doctor', "--sysroot=$system", '--user=root', $fpm($own, []), "$directory/token.json"], $settings);
echo preg_replace('/^(?:.*\n)*(?=.)/', '', preg_replace('/; .*/', '', $output)), "exit code $code\n";

echo "-- one without the extension is a problem only if there is no other\n";
spl_autoload_register(static function ($class) {
    require_once dirname(__DIR__, 2) . '/php/src/' . strtr(substr($class, strlen('WxToken\\')), '\\', '/') . '.php';
});
$fpm($own, []);
copy("$directory/php-fpm", "$directory/php-fpm8.2");
chmod("$directory/php-fpm8.2", 0755);
$fpm(null, []);
foreach ([['php-fpm', 'php-fpm8.2'], ['php-fpm']] as $names) {
    foreach (WxToken\Command\PhpChecks::programs(preg_filter('~^~', "$directory/", $names)) as $finding) {
        echo "{$finding->verdict}: {$finding->text}\n";
    }
}

echo "-- a php-fpm that runs\n";
if (is_executable((string) getenv('PHP_FPM'))) {
    file_put_contents("$directory/php-fpm", "#!/bin/sh\nexec " . getenv('PHP_FPM') . ' -n -d extension=' . getenv('WX_TOKEN_SO')
        . ' -d wx_token.secret=another-secret -d wx_token.appid=' . COMMAND_APPID . " -d wx_token.timeout=7 \"$@\"\n");
    list($code, $output) = wx_token(['doctor', '--json', "--fpm=$directory/php-fpm", "--sysroot=$system"], ['wx_token.appid' => COMMAND_APPID, 'wx_token.secret' => COMMAND_SECRET]);
    echo preg_match('/has other settings than the command line: wx_token.timeout = 7, here 8"/', $output) ? "compared\n" : $output;
} else {
    echo "compared\n";
}
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('011-doctor-fpm'); ?>
--EXPECT--
fpm: ok: php-fpm (PHP 8.2.99) has the same version and the same settings
fpm: warning: php-fpm (PHP 8.2.99) has the extension 9.9.9, the command line has 0.1.0
    -> Install the same version for both, and restart php-fpm
fpm: ok: php-fpm (PHP 8.2.99) has the same version and the same settings; the values of secrets cannot be compared
fpm: warning: php-fpm (PHP 8.2.99) has other settings than the command line: the shared store is redis://other:1, here redis://one:1
    -> Make the php.ini files of both the same, unless that is intended
fpm: ok: php-fpm (PHP 8.2.99) has the same version and the same settings
fpm: warning: php-fpm (PHP 8.2.99) has other settings than the command line: wx_token.appid = wxfedcba9876543210, here wx0123456789abcdef; wx_token.timeout = 9, here 8
    -> Make the php.ini files of both the same, unless that is intended
fpm: warning: the pool www (/etc/php/8.2/fpm/pool.d/www.conf) sets for itself: wx_token.endpoint = classic, wx_token.secret (another value)
    -> Cron jobs and wx-token do not see that. Set it in php.ini for both, unless it is intended
fpm: ok: php-fpm (PHP 8.2.99) has the same version and the same settings
fpm: warning: the pool www (/etc/php/8.2/fpm/pool.d/www.conf) sets for itself: wx_token.background = off
    -> Cron jobs and wx-token do not see that. Set it in php.ini for both, unless it is intended
no problem was found
exit code 0
-- one without the extension is a problem only if there is no other
ok: php-fpm8.2 (PHP 8.2.99) has the same version and the same settings
ok: php-fpm (PHP 8.2.99) does not load the extension wx_token; another php-fpm does
problem: php-fpm (PHP 8.2.99) does not load the extension wx_token
-- a php-fpm that runs
compared
