--TEST--
An accounts file that every user can read is warned of, once in a process, when no lock is held
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/flock/processes.inc';
$accounts = __DIR__ . '/025-accounts-warning.accounts';
$file = __DIR__ . '/025-accounts-warning.json';
file_put_contents($accounts, '{"wx1": {"secret": "must-not-be-shown"}}');

// The upstream is a port that nobody listens on; a failure on record keeps even that from being asked.
function run(string $title, int $mode, string $code): void
{
    global $accounts, $file;
    chmod($accounts, $mode);
    @unlink($file);
    $settings = ['wx_token.accounts' => $accounts, 'wx_token.api_base' => '"http://127.0.0.1:1"',
        'wx_token.connect_timeout' => 1, 'error_reporting' => E_ALL, 'display_errors' => 1, 'html_errors' => 0];
    $helpers = <<<'PHP'
        [, $file] = $argv;
        function attempt(callable $call): void {
            try {
                echo $call(), "\n";
            } catch (Throwable $e) {
                echo $e::class, ': ', preg_replace('/127.*/s', '…', $e->getMessage()), "\n";
            }
        }
        function is_free(string $file): string {
            return json_encode(is_file($file) && wx_token_status($file)['locked'] === false && flock(fopen($file, 'r'), LOCK_EX | LOCK_NB));
        }
        PHP;
    $output = start_php($helpers . $code, [$file], $settings)();
    echo "-- $title\n", preg_replace('/ in [^\n]*? on line \d+/', '', str_replace(__DIR__, '…', $output));
}

run('the owner and the group may read it', 0640, 'attempt(fn() => wx_get_token($file));');
run('once', 0644, 'attempt(fn() => wx_get_token($file)); attempt(fn() => wx_get_token($file)); attempt(fn() => wx_refresh_token($file, "x"));');
run('a handler, which may call again', 0664, '
    set_error_handler(function ($level, $message) use ($file) {
        echo "$level: $message; the lock is free: ", is_free($file), "\n";
        attempt(fn() => wx_get_token($file));
        return true;
    });
    attempt(fn() => wx_get_token($file));
    attempt(fn() => wx_get_ticket("$file.ticket", $file));
');
run('a handler that throws', 0644, '
    set_error_handler(function ($level, $message) { throw new ErrorException("thrown: $message"); });
    attempt(fn() => wx_refresh_token($file, "x"));
    echo "the lock is free: ", is_free($file), "\n";
    attempt(fn() => wx_refresh_token($file, "x"));
');
run('a handler that throws, and a token that is due', 0644, '
    file_put_contents($file, json_encode(["access_token" => "due", "expire" => time() + 100]));
    set_error_handler(function ($level, $message) { throw new ErrorException("thrown: $message"); });
    attempt(fn() => wx_get_token($file));
    attempt(fn() => wx_get_token($file));
');
run('a handler that exits', 0644, '
    register_shutdown_function(function () use ($file) { echo "the lock is free: ", is_free($file), "\n"; });
    set_error_handler(function () { exit(7); });
    attempt(fn() => wx_get_ticket("$file.ticket", $file));
    echo "not reached\n";
');
foreach ([
    'memory' => 'str_repeat("x", 64 << 20);',
    'code' => 'eval("break;");',
] as $title => $fatal) {
    run("a handler that dies: $title", 0644, '
        register_shutdown_function(function () use ($file) { echo "\nthe lock is free: ", is_free($file), "\n"; });
        set_error_handler(function () { ' . $fatal . ' });
        ini_set("memory_limit", "32M");
        // A worker would go on, and keep the lock meanwhile.
        ini_set("wx_token.background", "0");
        file_put_contents($file, json_encode(["access_token" => "due", "expire" => time() + 100]));
        attempt(fn() => wx_get_token($file));
        echo "not reached\n";
    ');
}
run('a file that needs no account', 0644, '
    file_put_contents($file, json_encode(["access_token" => "fresh", "expire" => time() + 7200]));
    attempt(fn() => wx_get_token($file));
');
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/025-accounts-warning.{accounts,json*}', GLOB_BRACE)); ?>
--EXPECTF--
-- the owner and the group may read it
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
exit status 0
-- once
Warning: wx_get_token(): wx_token.accounts: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
exit status 0
-- a handler, which may call again
2: wx_get_token(): wx_token.accounts: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0664); chmod 0640 it and give it the group of the web server; the lock is free: true
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
exit status 0
-- a handler that throws
ErrorException: thrown: wx_refresh_token(): wx_token.accounts: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server
the lock is free: true
WxToken\NetworkException: cannot refresh …/025-accounts-warning.json: cannot connect to http://…
exit status 0
-- a handler that throws, and a token that is due
ErrorException: thrown: wx_get_token(): wx_token.accounts: …/025-accounts-warning.accounts can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server
due
exit status 0
-- a handler that exits
the lock is free: true
exit status 7
-- a handler that dies: memory
Fatal error: Allowed memory size of %d bytes exhausted (tried to allocate %d bytes)

the lock is free: true
exit status 255
-- a handler that dies: code
Fatal error: 'break' not

the lock is free: true
exit status 255
-- a file that needs no account
fresh
exit status 0
