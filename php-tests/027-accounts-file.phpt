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
        var_dump(basename(ini_get("wx_token.accounts")), basename(ini_get("wx_token.accounts_file")));
    ', ["$base.json"], $settings)();
    echo "-- $title\n", $output;
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
-- the new name
account wx-new
string(0) ""
string(21) "027-accounts-file.new"
exit status 0
-- the old name
account wx-old
string(21) "027-accounts-file.old"
string(0) ""
exit status 0
-- both
account wx-new
string(21) "027-accounts-file.old"
string(21) "027-accounts-file.new"
exit status 0
-- both, the other way round
account wx-new
string(21) "027-accounts-file.old"
string(21) "027-accounts-file.new"
exit status 0
-- a bad value
Warning: PHP Startup: wx_token.accounts_file must be an absolute path; it stays empty in Unknown on line 0

Warning: PHP Startup: wx_token.timeout must be a number of seconds from 0.001 to 86400; the default (8) is used in Unknown on line 0
account wx-old
string(21) "027-accounts-file.old"
string(0) ""
exit status 0
