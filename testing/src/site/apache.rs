//! Apache with PHP as its module: each process answers one request at a time.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::server::Server;
use crate::{World, program};

const APACHE: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
/// The module of the PHP under test, unless the Makefile names another. If it names none, `build.rs` leaves
/// the cfg `apache` out, and no test calls this.
const PHP: &str = "/usr/lib/apache2/modules/libphp8.2.so";

/// Starts Apache with the settings of `world` and further `directives`.
pub fn serve(world: &World, dir: &Path, port: u16, children: u32, directives: &str) -> Server {
    let config = dir.join("apache.conf");
    let text = format!(
        "ServerRoot {dir}\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\n\
         PidFile {dir}/apache.pid\nDefaultRuntimeDir {dir}\nMutex file:{dir}\nErrorLog {dir}/apache.log\n\
         User www-data\nGroup www-data\n\
         LoadModule mpm_prefork_module {MODULES}/mod_mpm_prefork.so\n\
         LoadModule authz_core_module {MODULES}/mod_authz_core.so\n\
         LoadModule env_module {MODULES}/mod_env.so\n\
         LoadModule php_module {php}\n\
         StartServers {children}\nMinSpareServers {children}\nMaxSpareServers {children}\n\
         MaxRequestWorkers {children}\nServerLimit {children}\n\
         DocumentRoot {dir}\nPHPIniDir {dir}\n\
         <FilesMatch \\.php$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n{directives}\n",
        dir = dir.display(),
        php = program("PHP_APACHE", PHP).display(),
    );
    fs::write(&config, text).expect("a configuration");
    fs::write(dir.join("php.ini"), world.php_ini()).expect("php.ini");
    let mut command = Command::new(APACHE);
    // Debian's build would add its own php.ini files.
    command.arg("-f").arg(&config).arg("-DFOREGROUND").env("PHP_INI_SCAN_DIR", "");
    // It signals its whole process group when it stops, which must not be that of the test.
    command.process_group(0);
    Server::start(&mut command, Some(Signal::USR1), Signal::WINCH)
}
