--TEST--
Composer accepts php/composer.json, and installs the library into a new project without a network
--EXTENSIONS--
wx_token
--SKIPIF--
<?php exec('command -v composer') || print 'skip Composer is not installed'; ?>
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';

$project = sys_get_temp_dir() . '/wx-token-composer-' . getmypid();
mkdir($project);
register_shutdown_function(fn() => exec('rm -rf ' . escapeshellarg($project)));
$library = realpath(__DIR__ . '/../../php');

/** Runs Composer, with Debian's PHP and no network. Shows what it says if it fails. */
function composer(string ...$arguments): void
{
    global $project;
    $environment = ['PATH' => getenv('PATH'), 'HOME' => $project, 'COMPOSER_HOME' => "$project/home",
        'COMPOSER_ALLOW_SUPERUSER' => '1', 'COMPOSER_DISABLE_NETWORK' => '1', 'COMPOSER_NO_AUDIT' => '1'];
    $ends = [1 => ['pipe', 'w'], 2 => ['redirect', 1]];
    $process = proc_open(['composer', '--no-interaction', '--no-ansi', ...$arguments], $ends, $pipes, $project, $environment);
    $output = stream_get_contents($pipes[1]);
    $status = proc_close($process);
    echo "composer $arguments[0]: status $status\n", $status === 0 ? '' : $output;
}

composer('validate', '--strict', '--no-check-lock', "$library/composer.json");

file_put_contents("$project/composer.json", json_encode([
    'repositories' => [['packagist' => false], ['type' => 'path', 'url' => $library, 'options' => ['symlink' => false]]],
    'require' => ['wx-token/php' => '*@dev'],
]));
composer('install', '--prefer-dist');

// The library is a copy in vendor/, so nothing is taken from this repository.
$code = <<<'PHP'
    require "$argv[1]/vendor/autoload.php";
    file_put_contents("$argv[1]/ticket.json", json_encode(['jsapi_ticket' => 'ticket', 'expire' => time() + 7000]));
    chmod("$argv[1]/ticket.json", 0600);
    $config = WxToken\JsSdk::config('https://example.com/', "$argv[1]/ticket.json", "$argv[1]/token.json", ['appid' => 'wx1']);
    echo $config['appId'], "\n";
    foreach (['JsSdk', 'EasyWeChat\HealingClient'] as $class) {
        echo str_replace($argv[1], '', (new Composer\Autoload\ClassLoader)::getRegisteredLoaders()["$argv[1]/vendor"]->findFile("WxToken\\$class")), "\n";
    }
    echo is_file("$argv[1]/vendor/wx-token/php/stubs/wx_token.stub.php") ? 'stubs' : 'no stubs';
    PHP;
echo str_replace('/composer/..', '', start_php($code, [$project])());

echo "-- the command\n";
// Its first line asks for the PHP of the PATH.
exec(escapeshellarg(PHP_BINARY) . ' -n ' . escapeshellarg("$project/vendor/bin/wx-token") . ' status ' . escapeshellarg("$project/ticket.json"), $lines, $status);
echo preg_replace('/ .*/', '', $lines[1] ?? 'nothing'), " $status\n";

echo "-- the copy of the stub\n";
var_dump(file_get_contents("$library/stubs/wx_token.stub.php") === file_get_contents(__DIR__ . '/../../stubs/wx_token.stub.php'));
?>
--EXPECT--
composer validate: status 0
composer install: status 0
wx1
/vendor/wx-token/php/src/JsSdk.php
/vendor/wx-token/php/src/EasyWeChat/HealingClient.php
stubs
exit status 0
-- the command
fresh 0
-- the copy of the stub
bool(true)
