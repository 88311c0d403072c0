<?php

namespace WxToken\Command;

use WxToken\Polyfill\Path;
use WxToken\Polyfill\Problem;

/** SELinux: whether PHP of the web server may connect, and may write the file. Only where it is there. */
final class SelinuxCheck
{
    /** Types that httpd_t may write: httpd_selinux(8). */
    private const WRITABLE = [
        'httpd_sys_rw_content_t', 'httpd_user_rw_content_t', 'httpd_var_lib_t', 'httpd_cache_t', 'httpd_var_run_t', 'httpd_tmp_t', 'httpd_tmpfs_t',
        'httpd_squirrelmail_t', 'public_content_rw_t',
    ];

    /** @return Finding[] */
    public static function selinux(Examination $examination): array
    {
        $machine = $examination->machine;
        $enforces = $machine->read('/sys/fs/selinux/enforce');
        if ($enforces === null) {
            return [Finding::skipped('this system has no SELinux')];
        }
        if (trim($enforces) !== '1') {
            return [Finding::ok('it is permissive: it stops nothing')];
        }
        $findings = [];
        $mayConnect = $machine->read('/sys/fs/selinux/booleans/httpd_can_network_connect');
        if ($mayConnect !== null && $mayConnect[0] !== '1') {
            $findings[] = Finding::problem('PHP of the web server may not connect to WeChat: httpd_can_network_connect is off', 'setsebool -P httpd_can_network_connect on');
        }
        $findings[] = self::context($examination);
        return array_filter($findings) ?: [Finding::ok('it enforces, and httpd_can_network_connect is on')];
    }

    /** Whether the label of the file, or of its directory, is one that PHP may write. */
    private static function context(Examination $examination): ?Finding
    {
        if ($examination->file === null) {
            return null;
        }
        try {
            $file = Path::resolve($examination->file);
        } catch (Problem $problem) {
            return null;
        }
        // A new file has the label of its directory.
        $path = file_exists($file) ? $file : dirname($file);
        $said = Machine::run(['stat', '-c', '%C', $path], 5.0);
        $type = explode(':', trim($said[1] ?? ''))[2] ?? '';
        if ($said === null || $type === '') {
            return Finding::warning("the label of $path cannot be read", 'Look at it: ls -Z ' . escapeshellarg($path));
        }
        if (in_array($type, self::WRITABLE, true)) {
            return Finding::ok("it enforces, and $path has the type $type, which PHP of the web server may write");
        }
        $directory = escapeshellarg(dirname($file));
        $all = escapeshellarg(dirname($file) . '(/.*)?');
        return Finding::problem("$path has the type $type, which PHP of the web server may not write",
            "semanage fcontext -a -t httpd_sys_rw_content_t $all && restorecon -R $directory");
    }
}
