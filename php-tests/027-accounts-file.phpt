--TEST--
wx_token.accounts_file names the accounts file; wx_token.accounts is its old name, which counts only if it is alone
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/flock/processes.inc';
$base = __DIR__ . '/027-accounts-file';
foreach (['old', 'new'] as $name) {
    // The only account of each file, without a secret: the message names the file that was read.
    file_put_contents("$base.$name", json_encode(["wx-$name" => new stdClass]));
    chmod("$base.$name", 0600);
}

function run(string $title, array $settings): void
{
    global $base;
    $settings += ['error_reporting' => E_ALL, 'display_errors' => 1, 'display_startup_errors' => 1];
    $output = start_php('
        try {
            wx_get_token($argv[1]);
        } catch (WxToken\\ConfigException $e) {
            preg_match("/account wx-\\w+/", $e->getMessage(), $account);
            echo $account[0] ?? $e->getMessage(), "\n";
        }
        var_dump(ini_get("wx_token.accounts"), ini_get("wx_token.accounts_file"));
    ', ["$base.json"], $settings)();
    echo "-- $title\n", str_replace(__DIR__, '…', $output);
}

run('the new name', ['wx_token.accounts_file' => "$base.new"]);
run('the old name', ['wx_token.accounts' => "$base.old"]);
run('both', ['wx_token.accounts_file' => "$base.new", 'wx_token.accounts' => "$base.old"]);
run('both, the other way round', ['wx_token.accounts' => "$base.old", 'wx_token.accounts_file' => "$base.new"]);
run('a bad value', ['wx_token.accounts_file' => 'relative', 'wx_token.timeout' => 'x', 'wx_token.accounts' => "$base.old"]);
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/027-accounts-file.{old,new,json}', GLOB_BRACE)); ?>
--EXPECT--
