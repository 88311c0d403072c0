--TEST--
Owner, group, mode and links of a token file survive, whoever rewrites it
--EXTENSIONS--
wx_token
pcntl
--SKIPIF--
<?php
fileowner('/proc/self') === 0 or die('skip only root can give files away');
is_executable('/usr/bin/setpriv') or die('skip there is no setpriv');
?>
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
const WWW = 33;
// Where everybody may go: the tests themselves may lie below a home directory.
$directory = sys_get_temp_dir() . '/' . of_this_checkout('012-ownership');
@mkdir($directory);
$file = "$directory/access_token.json";
copy(getenv('WX_TOKEN_SO'), "$directory/wx_token.so");
chmod("$directory/wx_token.so", 0755);

/** Lets a process of `$user` get a token, and shows the file before and after. */
function rewrite(string $title, int $user): void {
    global $directory, $file;
    $code = 'try { wx_get_token($argv[1], fn() => ["access_token" => "new", "expires_in" => 7200]); }'
        . ' catch (Throwable $e) { echo $e->getMessage(), "\n"; }';
    $before = file_exists($file) ? fileinode($file) : 0;
    $process = proc_open(['/usr/bin/setpriv', "--reuid=$user", "--regid=$user", '--clear-groups',
        PHP_BINARY, '-n', '-d', "extension=$directory/wx_token.so", '-r', $code, $file], [1 => ['pipe', 'w']], $pipes);
    $output = str_replace("$directory/", '', stream_get_contents($pipes[1]));
    proc_close($process);
    if ($output !== '') {
        echo "$title: ", str_replace($directory, 'its directory', $output);
        return;
    }
    clearstatcache();
    printf("%s: %s, %d:%d %o, %s\n", $title, json_decode(file_get_contents($file))->access_token,
        fileowner($file), filegroup($file), fileperms($file) & 07777,
        $before === 0 ? 'made' : (fileinode($file) === $before ? 'written in place' : 'replaced'));
}
function prepare(array $folder, array $owner = []): void {
    global $directory, $file;
    @unlink($file);
    set($directory, ...$folder);
    if ($owner) {
        write_token($file, 'old', -1);
        set($file, ...$owner);
    }
}
function set(string $path, int $user, int $group, int $mode): void {
    chown($path, $user);
    chgrp($path, $group);
    chmod($path, $mode);
}

prepare([WWW, WWW, 0755], [WWW, WWW, 0640]);
rewrite("root, www-data's file", 0);
prepare([WWW, WWW, 0755]);
rewrite("root, no file yet, in www-data's directory", 0);
prepare([WWW, WWW, 0755], [WWW, WWW, 0664]);
rewrite('www-data, its own file', WWW);
prepare([WWW, WWW, 0755], [0, WWW, 0660]);
rewrite("www-data, root's file that its group may write", WWW);
prepare([0, 0, 0755], [WWW, WWW, 0600]);
rewrite('www-data, its own file, in a directory that it may not write', WWW);
prepare([0, 0, 01777], [0, 0, 0666]);
rewrite("www-data, root's file, in a sticky directory", WWW);

echo "-- links\n";
prepare([0, 0, 0755], [0, 0, 0600]);
link($file, "$directory/second name");
rewrite('a hard link', 0);
echo json_decode(file_get_contents("$directory/second name"))->access_token, " under its second name\n";
prepare([0, 0, 0755]);
write_token("$directory/second name", 'old', -1);
symlink('second name', $file);
rewrite('a symbolic link', 0);
echo is_link($file) ? 'still a link to ' . readlink($file) : 'no link', "\n";

echo "-- a caller who may not write, and one who may not read\n";
unlink("$directory/second name");
prepare([0, 0, 0755], [0, 0, 0644]);
rewrite('www-data', WWW);
prepare([0, 0, 0755], [0, 0, 0600]);
rewrite('www-data', WWW);
?>
--CLEAN--
<?php
require __DIR__ . '/../flock/processes.inc';
$directory = sys_get_temp_dir() . '/' . of_this_checkout('012-ownership');
array_map('unlink', glob("$directory/*"));
@rmdir($directory);
?>
--EXPECT--
root, www-data's file: new, 33:33 640, replaced
root, no file yet, in www-data's directory: new, 33:33 600, made
www-data, its own file: new, 33:33 664, replaced
www-data, root's file that its group may write: new, 0:33 660, written in place
www-data, its own file, in a directory that it may not write: new, 33:33 600, written in place
www-data, root's file, in a sticky directory: new, 0:0 666, written in place
-- links
a hard link: new, 0:0 600, written in place
new under its second name
a symbolic link: new, 0:0 600, replaced
still a link to second name
-- a caller who may not write, and one who may not read
www-data: cannot write access_token.json: user www-data (33) has no permission; the file is owned by root:root, mode 0644. Run chown www-data access_token.json, or share the file through a group
www-data: cannot read access_token.json: user www-data (33) has no permission; the file is owned by root:root, mode 0600. Run chown www-data access_token.json, or share the file through a group
