--TEST--
wx-token doctor: SELinux, by the files of a system that has it
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/command.inc';
$directory = command_directory('014-selinux');
$file = "$directory/token.json";
write_command_token($file, 3600);
$selinux = "$directory/sys/fs/selinux";
$check = static function (array $arguments, array $environment = []) use ($directory) {
    list(, $output, $said) = wx_token(array_merge(['doctor', '--json', "--sysroot=$directory"], $arguments), [], $environment);
    foreach (json_decode($output, true)['findings'] as $finding) {
        if ($finding['check'] === 'selinux') {
            echo steady("{$finding['verdict']}: {$finding['text']}" . ($finding['advice'] === null ? '' : "\n    -> {$finding['advice']}")), "\n";
        }
    }
    echo $said;
};
/** A stat(1) that tells of a label. */
$labelled = static function ($label) use ($directory) {
    @mkdir("$directory/bin");
    file_put_contents("$directory/bin/stat", "#!/bin/sh\necho '$label'\n");
    chmod("$directory/bin/stat", 0755);
    return ['PATH' => "$directory/bin:" . getenv('PATH')];
};
$check([$file]);
mkdir("$selinux/booleans", 0755, true);
file_put_contents("$selinux/enforce", '0');
$check([$file]);
file_put_contents("$selinux/enforce", '1');
file_put_contents("$selinux/booleans/httpd_can_network_connect", '0 0');
$check([]);
$check([$file], $labelled('system_u:object_r:httpd_sys_rw_content_t:s0'));
file_put_contents("$selinux/booleans/httpd_can_network_connect", '1 1');
$check([]);
$check([$file], $labelled('system_u:object_r:httpd_sys_rw_content_t:s0'));
$check([$file], $labelled('unconfined_u:object_r:httpd_sys_content_t:s0'));
$check(["$directory/new.json"], $labelled('unconfined_u:object_r:default_t:s0'));
$check([$file], $labelled('?'));
?>
--CLEAN--
<?php require __DIR__ . '/command.inc'; remove_command_directory('014-selinux'); ?>
--EXPECT--
skipped: this system has no SELinux
ok: it is permissive: it stops nothing
problem: PHP of the web server may not connect to WeChat: httpd_can_network_connect is off
    -> setsebool -P httpd_can_network_connect on
problem: PHP of the web server may not connect to WeChat: httpd_can_network_connect is off
    -> setsebool -P httpd_can_network_connect on
ok: it enforces, and httpd_can_network_connect is on
ok: it enforces, and 014-selinux/token.json has the type httpd_sys_rw_content_t, which PHP of the web server may write
problem: 014-selinux/token.json has the type httpd_sys_content_t, which PHP of the web server may not write
    -> semanage fcontext -a -t httpd_sys_rw_content_t '014-selinux(/.*)?' && restorecon -R '014-selinux'
problem: 014-selinux has the type default_t, which PHP of the web server may not write
    -> semanage fcontext -a -t httpd_sys_rw_content_t '014-selinux(/.*)?' && restorecon -R '014-selinux'
warning: the label of 014-selinux/token.json cannot be read
    -> Look at it: ls -Z '014-selinux/token.json'
