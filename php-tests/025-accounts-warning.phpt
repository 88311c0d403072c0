--TEST--
An accounts file that every user can read is told of in the error log, once in a process, and no handler is called
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/flock/processes.inc';
$accounts = __DIR__ . '/025-accounts-warning.accounts';
$file = __DIR__ . '/025-accounts-warning.json';
$log = __DIR__ . '/025-accounts-warning.log';
file_put_contents($accounts, '{"wx1": {"secret": "must-not-be-shown"}}');

// The upstream is a port that nobody listens on; a failure on record keeps even that from being asked.
function run(string $title, int $mode, string $code): void
{
    global $accounts, $file, $log;
    chmod($accounts, $mode);
    file_put_contents($log, '');
    write_token($file, 'due', 100);
    $settings = ['wx_token.accounts_file' => $accounts, 'wx_token.api_base' => '"http://127.0.0.1:1"', 'error_log' => $log,
        'wx_token.connect_timeout' => 1, 'error_reporting' => E_ALL, 'display_errors' => 1];
    $output = start_php('[, $file] = $argv; set_error_handler(function () { throw new Exception("called"); }); ' . $code, [$file], $settings)();
    $logged = preg_replace('/^\[[^]]*\] /m', '', file_get_contents($log));
    echo "-- $title\n", $output, str_replace(__DIR__, '…', $logged);
}

run('the owner and the group may read it', 0640, 'echo wx_get_token($file);');
run('everybody may, and it is read several times', 0644, '
    echo wx_get_token($file), "\n", wx_get_token($file, ["appid" => "wx1"]), "\n";
    try {
        wx_refresh_token($file, "due");
    } catch (WxToken\\NetworkException $e) {
        echo get_class($e);
    }
');
run('everybody may write it, too', 0666, 'echo wx_get_token($file);');
run('the token is fresh, and only whose it is must be told', 0644, 'echo wx_get_token($file, ["refresh_ahead" => 0]);');
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/025-accounts-warning.{accounts,json,log}', GLOB_BRACE)); ?>
--EXPECT--
-- the owner and the group may read it
due
exit status 0
-- everybody may, and it is read several times
due
due
WxToken\NetworkException
exit status 0
wx_token.accounts_file: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server
-- everybody may write it, too
due
exit status 0
wx_token.accounts_file: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0666); chmod 0640 it and give it the group of the web server
-- the token is fresh, and only whose it is must be told
due
exit status 0
wx_token.accounts_file: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server
