//! The system calls of a refresh: what each is about, and how it can really fail.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use libc::c_int;

use crate::tracer::Entry;

macro_rules! names {
    ($($call:ident)*) => { &[$((libc::$call, stringify!($call))),*] };
}

const NAMES: &[(i64, &str)] = names![
    SYS_brk SYS_clock_nanosleep SYS_clone3 SYS_close SYS_connect SYS_exit SYS_fallocate SYS_fchmod SYS_fchown SYS_fgetxattr
    SYS_flistxattr SYS_flock SYS_fremovexattr SYS_fsetxattr SYS_fstat SYS_fcntl SYS_fstatfs SYS_fsync SYS_ftruncate SYS_futex SYS_getcwd
    SYS_getdents64 SYS_geteuid SYS_getsockopt SYS_getrandom SYS_ioctl SYS_linkat SYS_lseek SYS_madvise SYS_mmap SYS_mprotect
    SYS_munmap SYS_newfstatat SYS_openat SYS_poll SYS_ppoll SYS_pread64 SYS_prctl SYS_pwrite64 SYS_read SYS_readlink
    SYS_recvfrom SYS_rename SYS_renameat SYS_renameat2 SYS_rseq SYS_rt_sigaction SYS_rt_sigprocmask
    SYS_sched_getaffinity SYS_sched_yield SYS_sendto SYS_set_robust_list SYS_setsockopt SYS_sigaltstack SYS_socket SYS_statx
    SYS_unlink SYS_utimensat
];

/// A call, told from all others of its refresh.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    pub thread: usize,
    pub name: &'static str,
    /// What it is about and meant for.
    pub about: String,
    /// The number of the connection that it is about.
    pub connection: Option<usize>,
    /// How many calls of this name the thread has made before: on this connection, or else in all.
    pub nth: usize,
}

/// Tells the calls of one refresh of `file` apart.
pub struct Calls {
    file: PathBuf,
    store_port: Option<u16>,
    seen: HashMap<(usize, i64, Option<usize>), usize>,
    /// What each descriptor is connected to, and which connection that is.
    connections: HashMap<u64, (&'static str, usize)>,
    /// How many connections have been made.
    connected: usize,
}

const TO_WECHAT: &str = "connection to WeChat";
const TO_STORE: &str = "connection to the store";

/// The small file beside the token file.
const BESIDE: &str = ".wx_store";

/// What this machine calls itself in the store is made of these.
const IDENTITY: &str = "identity";
const IDENTITY_FILES: [&str; 3] =
    ["/etc/machine-id", "/proc/sys/kernel/hostname", "/proc/sys/kernel/random/boot_id"];

impl Calls {
    /// A store is known by its port.
    pub fn of(file: &Path, store_port: Option<u16>) -> Self {
        let (seen, connections) = (HashMap::new(), HashMap::new());
        Self { file: file.to_owned(), store_port, seen, connections, connected: 0 }
    }

    pub fn next(&mut self, entry: &Entry) -> Call {
        let name = NAMES.iter().find(|(number, _)| *number == entry.number);
        let name = name.map_or("system call", |(_, name)| &name["SYS_".len()..]);
        if name == "connect" {
            self.connect(entry);
        }
        let connection = self.connection(name, entry);
        let about = match connection {
            _ if name == "system call" => format!("number {}", entry.number),
            Some((peer, _)) => peer.to_owned(),
            None => self.about(name, entry),
        };
        if name == "close" {
            self.connections.remove(&entry.arguments[0]);
        }
        let connection = connection.map(|(_, number)| number);
        let seen = self.seen.entry((entry.thread, entry.number, connection)).or_default();
        *seen += 1;
        Call { thread: entry.thread, name, about, connection, nth: *seen - 1 }
    }

    fn connect(&mut self, entry: &Entry) {
        let is_store = self.store_port.is_some() && entry.port(1) == self.store_port;
        let peer = if is_store { TO_STORE } else { TO_WECHAT };
        // It may be tried again.
        let number = self.connections.get(&entry.arguments[0]).map(|(_, number)| *number);
        let number = number.unwrap_or_else(|| {
            self.connected += 1;
            self.connected
        });
        self.connections.insert(entry.arguments[0], (peer, number));
    }

    fn connection(&self, name: &str, entry: &Entry) -> Option<(&'static str, usize)> {
        let descriptor = match name {
            "poll" | "ppoll" => entry.first_polled()?,
            "close" | "connect" | "fcntl" | "getsockopt" | "ioctl" | "read" | "recvfrom"
            | "sendto" | "setsockopt" => entry.arguments[0],
            _ => return None,
        };
        self.connections.get(&descriptor).copied()
    }

    fn about(&self, name: &str, entry: &Entry) -> String {
        let path = match name {
            // An empty path is the descriptor itself.
            "openat" | "newfstatat" | "statx" | "renameat" | "renameat2" | "linkat" => {
                Some(entry.text(1))
                    .filter(|path| path.is_absolute())
                    .unwrap_or_else(|| entry.descriptor(0))
            }
            "readlink" | "rename" | "unlink" => entry.text(0),
            "close" | "connect" | "fallocate" | "fchmod" | "fchown" | "fgetxattr"
            | "flistxattr" | "flock" | "fremovexattr" | "fsetxattr" | "fstat" | "fstatfs"
            | "fcntl" | "fsync" | "ftruncate" | "getdents64" | "ioctl" | "lseek" | "pread64"
            | "pwrite64" | "read" | "recvfrom" | "sendto" | "setsockopt" | "getsockopt"
            | "utimensat" => entry.descriptor(0),
            _ => return String::new(),
        };
        let whole = path.to_string_lossy();
        let subject = if whole.ends_with(" (deleted)") {
            "old file"
        } else if path == self.file {
            "token file"
        } else if whole.contains(".wx_token.") {
            "replacement"
        } else if whole.contains(BESIDE) {
            BESIDE
        } else if IDENTITY_FILES.contains(&&*whole) {
            IDENTITY
        } else if Some(path.as_path()) == self.file.parent() {
            "directory"
        } else if self.file.starts_with(&path) {
            "path"
        } else if whole.starts_with("socket:") {
            "connection"
        } else if ["pipe:", "/proc/", "/sys/"].iter().any(|start| whole.starts_with(start)) {
            // Looked at by libraries, once in a process.
            "system"
        } else {
            &whole
        };
        let has = |argument: usize, flag: c_int| entry.arguments[argument] & flag as u64 != 0;
        let purpose = match name {
            "openat" if has(2, libc::O_CREAT) => " (make)",
            "openat" if has(2, libc::O_ACCMODE) => " (write)",
            "openat" => " (read)",
            "flock" if has(1, libc::LOCK_UN) => " (unlock)",
            "flock" => " (lock)",
            _ => "",
        };
        format!("{subject}{purpose}")
    }
}

/// An errno with its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno {
    pub name: &'static str,
    pub number: c_int,
}

impl Errno {
    /// Whether it can be met again and again.
    pub fn may_last(self) -> bool {
        self.number != libc::EINTR
    }
}

macro_rules! errors {
    ($($name:ident)*) => { &[$(Errno { name: stringify!($name), number: libc::$name }),*] };
}

impl Call {
    /// The errors that the call's manual page has for a correct call, and those that file systems and
    /// full machines add. The first two are the likeliest.
    pub fn errors(&self) -> &'static [Errno] {
        let purpose = self.about.rsplit_once(' ').map_or("", |(_, purpose)| purpose);
        match (self.name, purpose) {
            ("openat", "(make)") => errors![ENOSPC EACCES EDQUOT EINTR EIO EMFILE ENOMEM EROFS],
            ("openat", "(write)") => errors![EACCES EMFILE EINTR EIO ENOMEM EROFS],
            ("openat", _) => errors![EMFILE EACCES EINTR EIO ENOMEM],
            ("statx" | "newfstatat" | "fstat" | "fstatfs" | "readlink", _) => {
                errors![EIO EACCES ENOMEM]
            }
            ("getcwd", _) => errors![EACCES ENOMEM],
            ("read" | "pread64", _) => errors![EIO EINTR],
            ("getdents64", _) => errors![EIO ENOMEM],
            // ENOLCK is how flock(2) spells ENOMEM.
            ("flock", "(lock)") => errors![ENOLCK EINTR EIO],
            ("fchown", _) => errors![EPERM EDQUOT EIO ENOMEM EROFS],
            ("fchmod", _) => errors![EPERM EIO ENOMEM EROFS],
            ("flistxattr" | "fgetxattr", _) => errors![ENOTSUP EIO ENOMEM],
            ("fsetxattr", _) => errors![ENOTSUP ENOSPC EACCES EDQUOT EINVAL EIO ENOMEM EPERM EROFS],
            ("fremovexattr", _) => errors![ENOTSUP EIO EACCES ENOSPC ENOMEM EROFS],
            ("fallocate", _) => errors![ENOSPC EOPNOTSUPP EDQUOT EINTR EIO],
            ("pwrite64", _) => errors![ENOSPC EIO EDQUOT EINTR],
            ("ftruncate", _) => errors![EIO EINTR EROFS],
            ("fsync", _) => errors![EIO ENOSPC EDQUOT EINTR EROFS],
            ("rename" | "renameat" | "renameat2" | "linkat", _) => {
                errors![EACCES ENOSPC EBUSY EDQUOT EIO ENOMEM EPERM EROFS EXDEV]
            }
            ("unlink", _) => errors![EACCES EIO EBUSY ENOMEM EPERM EROFS],
            ("utimensat", _) => errors![EPERM EACCES EIO EROFS],
            // Nothing of a directory is left to be written.
            ("close", _) if self.about == "directory" => &[],
            ("close", _) => errors![EIO EINTR ENOSPC EDQUOT],
            ("socket", _) => errors![EMFILE EACCES ENOMEM],
            ("connect", _) => errors![ECONNREFUSED EINTR EACCES EAGAIN ENETUNREACH ETIMEDOUT],
            ("clock_nanosleep", _) => errors![EINTR],
            ("poll" | "ppoll", _) => errors![EINTR ENOMEM],
            ("sendto", _) => errors![ECONNRESET EINTR EPIPE ENOMEM],
            ("recvfrom", _) => errors![ECONNRESET EINTR EAGAIN ENOMEM],
            ("clone3", _) => errors![EAGAIN ENOMEM],
            ("mmap" | "mprotect", _) => errors![ENOMEM],
            // A correct call of these fails on no working machine: only of bad arguments.
            (
                "lseek" | "flock" | "ioctl" | "setsockopt" | "getsockopt" | "fcntl" | "geteuid"
                | "getrandom",
                _,
            ) => &[],
            // Nor of these: threads and signals are set up and taken down with them, within libc.
            ("rt_sigaction" | "rt_sigprocmask" | "sigaltstack" | "rseq" | "set_robust_list", _) => {
                &[]
            }
            (
                "prctl" | "futex" | "madvise" | "munmap" | "sched_getaffinity" | "sched_yield"
                | "exit",
                _,
            ) => &[],
            // It tells of no memory by the old end of the heap, not by an error.
            ("brk", _) => &[],
            _ => panic!("a refresh makes {self:?}: give it its name and its errors"),
        }
    }

    /// Whether it is part of a request, to WeChat or to the store.
    pub fn is_about_connection(&self) -> bool {
        self.about.starts_with("connection")
    }

    /// Whether it concerns what is on disk.
    pub fn is_about_files(&self) -> bool {
        !self.about.is_empty() && !self.is_about_connection() && !self.about.starts_with("system")
    }

    /// Whether there is no such call without a shared store.
    pub fn is_about_store(&self) -> bool {
        self.about == TO_STORE || [BESIDE, IDENTITY].iter().any(|it| self.about.starts_with(it))
    }

    /// Linux frees a descriptor before close(2) can fail.
    pub fn is_made_all_the_same(&self) -> bool {
        self.name == "close"
    }
}
