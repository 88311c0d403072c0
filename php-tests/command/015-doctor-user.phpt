--TEST--
wx-token doctor, as root: what the user may do is tried, so that ACLs and groups count
--EXTENSIONS--
wx_token
--SKIPIF--
<?php
if (trim((string) shell_exec('id -u')) !== '0') {
    die('skip only root can act as another user');
}
if (!shell_exec('command -v setpriv') || !shell_exec('command -v setfacl')) {
    die('skip setpriv or setfacl is missing');
}
?>
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('015-user');
$file = "$directory/token.json";
write_command_token($file, 3600);
$rights = static function () use ($file) {
    list(, $output) = wx_token(['doctor', '--json', '--user=nobody', $file]);
    foreach (json_decode($output, true)['findings'] as $finding) {
        echo $finding['check'] === 'rights' ? steady("{$finding['verdict']}: {$finding['text']}") . "\n" : '';
    }
};
$rights();
exec("setfacl -m u:nobody:x $directory");
$rights();
exec("setfacl -m u:nobody:rw $file");
$rights();
exec("setfacl -m u:nobody:rwx $directory");
$rights();
chmod($directory, 01777);
$rights();
chown($file, (int) exec('id -u nobody'));
$rights();
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('015-user'); ?>
--EXPECT--
problem: nobody may not enter the directory 015-user (OWNER:GROUP 0700)
problem: nobody may not read 015-user/token.json (OWNER:GROUP 0600)
warning: nobody may write 015-user/token.json, but not replace it: it is written in place
ok: nobody may read and replace it; directory: OWNER:GROUP 0770
warning: nobody may write 015-user/token.json, but not replace it in 015-user (OWNER:GROUP 1777), which is sticky: only owners replace files there: it is written in place
ok: nobody may read and replace it; directory: OWNER:GROUP 1777
