--TEST--
wx-token doctor: each broken set-up has its verdict, and what to do
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
require __DIR__ . '/log.inc';
$directory = command_directory('010-doctor');
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
$file = "$directory/token.json";

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

echo "-- php-fpm\n";
$doctor('fpm', []);
/** A php-fpm that loads nothing. */
$fpm = static function () use ($directory) {
    file_put_contents("$directory/php-fpm", "#!/bin/sh\necho 'PHP Version => 8.2.99'\n");
    chmod("$directory/php-fpm", 0755);
    return "--fpm=$directory/php-fpm";
};
$doctor('fpm', [$fpm()]);
file_put_contents("$directory/php-fpm", "#!/bin/sh\nexit 1\n");
$doctor('fpm', ["--fpm=$directory/php-fpm"]);
// Another system's programs are its owner's.
mkdir("$system/usr/sbin", 0755, true);
file_put_contents("$system/usr/sbin/php-fpm8.2", "#!/bin/sh\ntouch '$directory/ran'\n");
chmod("$system/usr/sbin/php-fpm8.2", 0755);
$doctor('fpm', []);
echo file_exists("$directory/ran") ? "it ran\n" : '';
$doctor('fpm', ["--fpm=$system/usr/sbin/php-fpm8.2"]);
echo file_exists("$directory/ran") ? "it ran\n" : '';

echo "-- account\n";
$doctor('account', []);
$none = ['wx_token.appid' => '', 'wx_token.secret' => ''];
$doctor('account', [], $none);
$doctor('account', [], ['wx_token.secret' => '']);
$doctor('account', [], $none, ['WX_APPID' => COMMAND_APPID, 'WX_SECRET' => COMMAND_SECRET]);
file_put_contents($pool, "[www]\nuser = www-data\nenv[WX_SECRET] = x\n");
$doctor('account', [], $none, ['WX_APPID' => COMMAND_APPID, 'WX_SECRET' => COMMAND_SECRET]);
$doctor('account', [], ['wx_token.appid' => 'wx12', 'wx_token.secret' => 'short']);
file_put_contents("$directory/accounts", json_encode([COMMAND_APPID => ['secret' => COMMAND_SECRET, 'endpoint' => 'classic']]));
chmod("$directory/accounts", 0644);
$doctor('account', [], $none + ['wx_token.accounts_file' => "$directory/accounts"]);
chmod("$directory/accounts", 0640);
$doctor('account', [], $none + ['wx_token.accounts_file' => "$directory/accounts"]);
$doctor('account', ['--appid=wxfedcba9876543210'], $none + ['wx_token.accounts_file' => "$directory/accounts"]);

echo "-- file\n";
$doctor('file', []);
$doctor('file', [$file]);
write_command_token($file, -7230);
$doctor('file', [$file]);
write_command_token($file, 86400 * 90 + 3600 * 5 + 50);
$doctor('file', [$file]);
write_command_token($file, 7000, ['wx_token' => ['errcode' => 40164, 'errmsg' => 'invalid ip 1.2.3.4', 'failed_at_ms' => time() * 1000, 'retry_at_ms' => time() * 1000, 'failures' => 1]]);
$doctor('file', [$file]);
file_put_contents($file, '{"access_tok');
$doctor('file', [$file]);
file_put_contents($file, 'something else');
$doctor('file', [$file]);
$doctor('file', ["$directory/nowhere/token.json"]);
write_command_token($file, 7200 + 50);

echo "-- rights\n";
$doctor('rights', []);
chmod($directory, 0700);
$doctor('rights', [$file]);
chmod($directory, 0755);
chmod($file, 0600);
$doctor('rights', [$file]);
chmod($file, 0644);
$doctor('rights', [$file]);
chmod($file, 0666);
$doctor('rights', [$file]);
chmod($directory, 0777);
$doctor('rights', [$file]);
$doctor('rights', ["$directory/new.json"]);
chmod($directory, 01777);
$doctor('rights', [$file]);
chmod($file, 0644);
$doctor('rights', [$file]);
$doctor('rights', ['--user=root', $file]);
$doctor('rights', ["$directory/new.json"]);
chmod($file, 0666);
chmod($directory, 0755);
$doctor('rights', ["$directory/new.json"]);
file_put_contents("$system/etc/php/8.2/fpm/pool.d/second.conf", "[second]\nuser = other\n");
$doctor('rights', [$file]);
$doctor('rights', ['--user=root', $file]);
unlink("$system/etc/php/8.2/fpm/pool.d/second.conf");
chmod($file, 0600);

echo "-- exposure\n";
$doctor('exposure', []);
$doctor('exposure', [$file]);
chmod($file, 0644);
$doctor('exposure', [$file]);
chmod($directory, 0700);
$doctor('exposure', [$file]);
chmod($directory, 0755);
chmod($file, 0600);
file_put_contents("$system/etc/nginx/sites-enabled/site", "server {\n  root $directory;\n}\n");
$doctor('exposure', [$file]);
file_put_contents("$system/etc/nginx/sites-enabled/site", "server { listen 80; root /elsewhere; location /x { alias '$directory'; } }\n");
$doctor('exposure', [$file]);
file_put_contents("$system/etc/nginx/sites-enabled/site", "server { listen 80; # root $directory;\n#root $directory;\n}\n");
$doctor('exposure', [$file]);
$doctor('exposure', ["$directory/new.json"]);
unlink("$system/etc/nginx/sites-enabled/site");
file_put_contents("$system/etc/apache2/sites-enabled/site.conf", "DocumentRoot \"$directory\"\n");
$doctor('exposure', [$file]);
unlink("$system/etc/apache2/sites-enabled/site.conf");
$doctor('exposure', [$file], [], ['DOCUMENT_ROOT' => $directory]);
$doctor('exposure', ["--root=$directory", $file]);
$doctor('exposure', ["--root=$system", $file]);
copy($file, "$directory/token.php");
chmod("$directory/token.php", 0600);
$doctor('exposure', ["--root=$directory", "$directory/token.php"]);
file_put_contents("$directory/token.php", '<?php exit();?>' . file_get_contents($file));
$doctor('exposure', ["--root=$directory", "$directory/token.php"]);
touch("$directory/.token.php.wx_token.AbCdEf.php");
$doctor('exposure', ["--root=$directory", "$directory/token.php"]);
touch("$directory/.token.php.wx_token.AbCdEf");
$doctor('exposure', ["--root=$directory", "$directory/token.php"]);

echo "-- other writers, and the log\n";
$log = "$directory/wx.log";
foreach (['writers', 'log'] as $check) {
    $doctor($check, [$file]);
    $doctor($check, [$file], ['wx_token.log' => 'syslog'] + (file_exists('/dev/log') && $check === 'log' ? ['wx_token.log' => ''] : []));
}
$doctor('writers', [$file], ['wx_token.log' => $log]);
$doctor('log', [$file], ['wx_token.log' => $log]);
file_put_contents($log, refreshed_line(time() - 100, $file, '00000001', '00000002'));
chmod($log, 0644);
$doctor('writers', [$file], ['wx_token.log' => $log]);
$doctor('log', [$file], ['wx_token.log' => $log]);
chmod($log, 0666);
$doctor('log', [$file], ['wx_token.log' => $log]);
chmod($directory, 0700);
$doctor('log', [$file], ['wx_token.log' => $log]);
chmod($directory, 0755);
$doctor('log', [$file], ['wx_token.log' => $directory]);
file_put_contents($log, refreshed_line(time() - 50, $file, '00000009', '00000003', ['foreign' => true]), FILE_APPEND);
$doctor('writers', [$file], ['wx_token.log' => $log]);
// What was there before the first refresh of ours is a migration, but not if that refresh is only older than seven days.
file_put_contents($log, refreshed_line(time() - 50, $file, '00000009', '00000003', ['foreign' => true]));
$doctor('writers', [$file], ['wx_token.log' => $log]);
file_put_contents($log, refreshed_line(time() - 7 * 86400 - 50, $file, '', '00000008') . refreshed_line(time() - 7 * 86400 + 50, $file, '00000009', '00000003', ['foreign' => true]));
$doctor('writers', [$file], ['wx_token.log' => $log]);

echo "-- lock\n";
$doctor('lock', []);
$doctor('lock', [$file]);
$holder = new Server([PHP_BINARY, '-d', 'x=' . COMMAND_SECRET, '-n', '-r', '$f = fopen($argv[1], "r"); flock($f, LOCK_EX); echo "holds on $argv[1]\n"; fgets(STDIN);', '--', $file, '--password=of-another-program']);
$steady_holder = static function (callable $look) use ($holder) {
    ob_start();
    $look();
    $shown = str_replace((string) $holder->pid(), 'PID', ob_get_clean());
    echo str_replace('(' . trim(file_get_contents("/proc/{$holder->pid()}/comm")) . ')', '(php)', $shown);
};
$steady_holder(static function () use ($doctor, $file) {
    $doctor('lock', [$file]);
});
exec('kill -STOP ' . $holder->pid());
$steady_holder(static function () use ($doctor, $file) {
    $doctor('lock', [$file]);
});
exec('kill -CONT ' . $holder->pid());
write_command_token($file, -10);
$steady_holder(static function () use ($doctor, $file) {
    $doctor('lock', [$file]);
});
unset($holder, $steady_holder);
// flock(1) ends at once, and leaves the lock to the shell.
$holder = new Server(['sh', '-c', 'exec 9<"$1"; flock 9; echo "holds on $1"; read line', '--', $file]);
ob_start();
$doctor('lock', [$file]);
echo preg_replace('/process \d+/', 'process PID', ob_get_clean());
unset($holder);

echo "-- exit codes\n";
write_command_token($file, 7200 + 50);
$all = static function (array $more) use ($settings, $system, $file) {
    list($code, $output) = wx_token(array_merge(['doctor', "--sysroot=$system", '--user=root', $file], $more), $settings);
    preg_match('/\n\n(?:.*\n)*(.+)\n$/', $output, $sum);
    // The polyfill is worth one warning more.
    echo preg_replace('/\d+ warnings?|; .*/', '', $sum[1]), "and warnings, exit code $code\n";
};
chmod($file, 0644);
$all([]);
$all([$fpm()]);
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('010-doctor'); ?>
--EXPECT--
-- php-fpm
fpm: skipped: no php-fpm was found
    -> Name it if there is one: --fpm=/path/to/php-fpm. For Apache, look at a page with phpinfo()
fpm: problem: php-fpm (PHP 8.2.99) does not load the extension wx_token
    -> Load it with extension=wx_token in the php.ini of php-fpm, and restart it
fpm: warning: 010-doctor/php-fpm -i does not say what it loads
    -> Run it by hand: it may need another user
fpm: skipped: the php-fpm of the system below 010-doctor/system is not run here
    -> If you trust it, name it: --fpm=/path/to/php-fpm
fpm: warning: 010-doctor/system/usr/sbin/php-fpm8.2 -i does not say what it loads
    -> Run it by hand: it may need another user
it ran
-- account
account: ok: wx0123456789abcdef, endpoint stable, from wx_token.appid and wx_token.secret
account: warning: no WeChat account is configured for the command line
    -> Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]. Where the code passes it, set WX_APPID and WX_SECRET for this check
account: problem: wx_token.appid is wx0123456789abcdef, but neither wx_token.secret nor WX_SECRET is set
    -> Set wx_token.secret
account: warning: the pool www of php-fpm clears the environment, from which this account comes
    -> Write env[WX_APPID] and env[WX_SECRET] into /etc/php/8.2/fpm/pool.d/www.conf, or take settings or an accounts file
account: ok: wx0123456789abcdef, endpoint stable, from WX_APPID and WX_SECRET in the environment
account: warning: "wx12" (wx_token.appid and wx_token.secret) does not look like an AppID: "wx" and 16 digits
    -> Copy it again from WeChat's console
account: warning: the secret of wx12 (wx_token.appid and wx_token.secret) has 5 characters; WeChat's have 32, and no blanks
    -> Copy it again from WeChat's console
account: warning: the accounts file 010-doctor/accounts can be read by every user of this machine (mode 0644)
    -> chmod 0640 it, and give it the group of the web server
account: ok: wx0123456789abcdef, endpoint classic, from the accounts file 010-doctor/accounts
account: problem: no secret for appid wxfedcba9876543210 (case-sensitive), and the accounts file 010-doctor/accounts does not contain it
    -> Pass the option "secret", or add the account to 010-doctor/accounts
-- file
file: skipped: no token file is named
    -> Name it: wx-token doctor FILE
file: ok: it does not exist yet: the first call creates it
file: warning: its token expired 2 h ago, and no call has refreshed it
    -> That is normal where no request comes. The next call refreshes it; wx-token warm does it by cron
file: warning: its expiry is 90 d 5 h away, and WeChat gives two hours: it counts as expired
    -> The next call repairs it. Check the clock of each server that writes it: one was ahead
file: problem: the last refresh failed: errcode 40164, invalid ip 1.2.3.4
    -> Add 1.2.3.4 to the account's IP whitelist (failed at TIME, the next call tries again)
file: warning: it is damaged: half written, or full of NUL bytes
    -> The next call repairs it. Look for a program that writes it without a lock, and for a full disk
file: problem: cannot use 010-doctor/token.json: it is not a token file: it is neither JSON nor serialize() data
    -> Check the path; the file is unchanged
file: problem: cannot create 010-doctor/nowhere/token.json: the directory 010-doctor/nowhere does not exist
    -> Create it, or pass another path
-- rights
rights: skipped: no token file is named
rights: problem: www-data may not enter the directory 010-doctor (OWNER:GROUP 0700) (by the permission bits: run this as root to try it)
    -> chmod o+x '010-doctor', or move the token file
rights: problem: www-data may not read 010-doctor/token.json (OWNER:GROUP 0600) (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor/token.json'
rights: problem: www-data may neither write 010-doctor/token.json (OWNER:GROUP 0644) nor replace it in 010-doctor (OWNER:GROUP 0755) (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor' '010-doctor/token.json'
rights: warning: www-data may write 010-doctor/token.json, but not replace it: it is written in place (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor', unless the directory is to stay closed
rights: ok: www-data may read and replace it; directory: OWNER:GROUP 0777 (by the permission bits: run this as root to try it)
rights: ok: www-data may create it in 010-doctor (by the permission bits: run this as root to try it)
rights: warning: www-data may write 010-doctor/token.json, but not replace it in 010-doctor (OWNER:GROUP 1777), which is sticky: only owners replace files there: it is written in place (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor/token.json'
rights: problem: www-data may neither write 010-doctor/token.json (OWNER:GROUP 0644) nor replace it in 010-doctor (OWNER:GROUP 1777), which is sticky: only owners replace files there (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor/token.json'
rights: ok: root may read and replace it; directory: OWNER:GROUP 1777 (by the permission bits: run this as root to try it)
rights: ok: www-data may create it in 010-doctor (by the permission bits: run this as root to try it)
rights: problem: www-data may not create it in 010-doctor (OWNER:GROUP 0755) (by the permission bits: run this as root to try it)
    -> chown www-data '010-doctor'
rights: skipped: the pools of php-fpm have several users (other, www-data). Name one: --user=NAME
rights: ok: root may read and replace it; directory: OWNER:GROUP 0755 (by the permission bits: run this as root to try it)
-- exposure
exposure: skipped: no token file is named
exposure: ok: only its owner and group can read it; no document root was found; name it: --root=DIR
exposure: warning: every user of this machine can read it (OWNER:GROUP 0644)
    -> chmod o-rwx '010-doctor/token.json', if none of them needs it
exposure: ok: only its owner and group can read it; no document root was found; name it: --root=DIR
exposure: warning: it is below the document root 010-doctor (/etc/nginx/sites-enabled/site), and its name does not end in .php: the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: it is below the document root 010-doctor (/etc/nginx/sites-enabled/site), and its name does not end in .php: the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: ok: only its owner and group can read it; no document root was found; name it: --root=DIR
exposure: ok: it does not exist yet; no document root was found; name it: --root=DIR
exposure: warning: it is below the document root 010-doctor (/etc/apache2/sites-enabled/site.conf), and its name does not end in .php: the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: it is below the document root 010-doctor (DOCUMENT_ROOT), and its name does not end in .php: the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: it is below the document root 010-doctor (--root), and its name does not end in .php: the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: ok: only its owner and group can read it; it is below no document root (1 known)
exposure: warning: it is below the document root 010-doctor (--root), and has no guard (<?php exit();?>): the web server hands the token to everybody who asks for it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: it is below the document root 010-doctor (--root); the guard alone protects it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: it is below the document root 010-doctor (--root); the guard alone protects it
    -> Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
exposure: warning: a temporary file is below the document root 010-doctor (--root): 010-doctor/.token.php.wx_token.AbCdEf. The web server hands it to everybody who asks for it
    -> Remove it. Move it out, and pass the new path: install -d -o www-data -m 0750 /var/lib/wx_token
-- other writers, and the log
writers: skipped: wx_token.log is empty
    -> Set wx_token.log = /var/log/wx_token.log, to see who refreshes and who else writes the file
writers: skipped: the log goes to syslog
    -> Name the file into which syslog writes: --log=/var/log/syslog
log: skipped: wx_token.log is empty: refreshes are not logged
    -> Set wx_token.log = /var/log/wx_token.log, or syslog
log: problem: it goes to syslog, and there is no /dev/log
    -> Start a syslog daemon, or set wx_token.log to a file
writers: skipped: the log cannot be read: 010-doctor/wx.log: No such file or directory
log: problem: www-data may not write 010-doctor/wx.log (010-doctor: OWNER:GROUP 0755)
    -> install -o www-data -m 0640 /dev/null '010-doctor/wx.log'
writers: ok: none in 7 days, by 1 event of the log
log: problem: www-data may not write 010-doctor/wx.log (010-doctor/wx.log: OWNER:GROUP 0644)
    -> chown www-data '010-doctor/wx.log'
log: ok: www-data may write 010-doctor/wx.log
log: problem: www-data may not write 010-doctor/wx.log: it may not enter the directory 010-doctor (OWNER:GROUP 0700)
    -> chmod o+x '010-doctor', or set wx_token.log to a file in another directory
log: problem: 010-doctor is no file
    -> Set wx_token.log to the path of a file
writers: problem: another program writes this file: seen 1 time in 7 days, last at TIME
    -> Find it (grep -rl 'token.json' in the code of the site), and let it call wx_get_token(). wx-token history has each time
writers: ok: none in 7 days, by 1 event of the log
writers: problem: another program writes this file: seen 1 time in 7 days, last at DATE TIME
    -> Find it (grep -rl 'token.json' in the code of the site), and let it call wx_get_token(). wx-token history has each time
-- lock
lock: skipped: no token file is named
lock: ok: nobody holds it
lock: warning: process PID (php) holds it without a refresh, for more than 2 s; the token is valid meanwhile
    -> See what that process waits for
lock: problem: process PID (php) holds it, and is stopped
    -> Let it go on: kill -CONT PID
lock: problem: process PID (php) holds it without a refresh, for more than 2 s, and there is no valid token
    -> See what that process waits for; its end releases the lock
lock: problem: process PID holds it without a refresh, for more than 2 s, and there is no valid token
    -> See what that process waits for; its end releases the lock
-- exit codes
and warnings, exit code 1
1 problem and and warnings, exit code 2
