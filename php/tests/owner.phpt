--TEST--
Owner, group and mode of a token file survive a refresh by root; a new file gets those of its directory
--SKIPIF--
<?php
$file = tempnam(sys_get_temp_dir(), 'owner-');
$can = @chown($file, 33);
unlink($file);
echo $can ? '' : 'skip only root can give a file to another user';
?>
--FILE--
<?php
$directory = __DIR__ . '/owner';
mkdir($directory);
chown($directory, 33);
chgrp($directory, 33);
$file = "$directory/token.json";
$loader = function () { return ['access_token' => 'new', 'expires_in' => 7200]; };
function show(string $file): void
{
    clearstatcache();
    $others = count(scandir(dirname($file))) - 3;
    printf("%d:%d %04o, %s, others: %d\n", fileowner($file), filegroup($file), fileperms($file) & 07777, json_decode(file_get_contents($file))->access_token, $others);
}
wx_get_token($file, $loader);
show($file);
foreach ([[33, 33, 0640], [1, 33, 0600], [33, 2, 0664]] as list($owner, $group, $mode)) {
    file_put_contents($file, '{"access_token":"old","expire":1}');
    chown($file, $owner);
    chgrp($file, $group);
    chmod($file, $mode);
    $inode = fileinode($file);
    wx_get_token($file, $loader);
    show($file);
    clearstatcache();
    echo $inode !== fileinode($file) ? "replaced\n" : "written in place\n";
}
echo "-- a symbolic link stays, and a file with two names is written in place\n";
file_put_contents($file, '{"access_token":"old","expire":1}');
symlink($file, "$directory/link");
wx_get_token("$directory/link", $loader);
echo is_link("$directory/link") ? 'a link, ' : 'no link, ';
show($file);
file_put_contents($file, '{"access_token":"old","expire":1}');
link($file, "$directory/twin");
wx_get_token($file, $loader);
var_dump(file_get_contents("$directory/twin") === file_get_contents($file));
?>
--CLEAN--
<?php
array_map('unlink', glob(__DIR__ . '/owner/*'));
rmdir(__DIR__ . '/owner');
?>
--EXPECT--
33:33 0600, new, others: 0
33:33 0640, new, others: 0
replaced
1:33 0600, new, others: 0
replaced
33:2 0664, new, others: 0
replaced
-- a symbolic link stays, and a file with two names is written in place
a link, 33:2 0664, new, others: 1
bool(true)
