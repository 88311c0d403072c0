//! A FUSE file system that passes everything on to a directory, but for operations that fail on request.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite,
    ReplyXattr, Request, SessionACL, TimeOrNow, WriteFlags,
};
use libc::c_int;
use rustix::fs::{AtFlags, CWD, FallocateFlags, XattrFlags};
use tempfile::TempDir;

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Create,
    /// open(2) for writing.
    OpenToWrite,
    Write,
    Truncate,
    Fsync,
    Fallocate,
    Rename,
    /// renameat2(2) with RENAME_NOREPLACE.
    RenameNoReplace,
    Link,
    Chmod,
    Chown,
    SetTimes,
    GetXattr,
    SetXattr,
}

/// Such a file system, mounted until this is dropped.
pub struct Fuse {
    session: Option<BackgroundSession>,
    orders: Arc<Orders>,
    mountpoint: TempDir,
    _backing: TempDir,
}

#[derive(Default)]
struct Orders {
    failures: Mutex<HashMap<Operation, Errno>>,
    has_whole_seconds: AtomicBool,
    forgets_access: AtomicBool,
}

impl Fuse {
    pub fn mount() -> Self {
        let [backing, mountpoint] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let orders = Arc::new(Orders::default());
        let mut config = Config::default();
        config.mount_options = vec![MountOption::DefaultPermissions];
        config.acl = SessionACL::All;
        let passthrough = Passthrough::of(backing.path(), Arc::clone(&orders));
        let session = fuser::spawn_mount(passthrough, mountpoint.path(), &config);
        let session = Some(session.expect("the tests run as root"));
        Self { session, orders, mountpoint, _backing: backing }
    }

    pub fn path(&self) -> &Path {
        self.mountpoint.path()
    }

    /// Lets an operation fail from now on.
    pub fn fail(&self, operation: Operation, errno: c_int) {
        lock(&self.orders.failures).insert(operation, Errno::from_i32(errno));
    }

    /// Lets everything succeed from now on.
    pub fn heal(&self) {
        lock(&self.orders.failures).clear();
    }

    /// Sets no time of access by itself from now on.
    pub fn forget_access(&self) {
        self.orders.forgets_access.store(true, Ordering::Relaxed);
    }

    /// Tells times in whole seconds from now on.
    pub fn round_times(&self) {
        self.orders.has_whole_seconds.store(true, Ordering::Relaxed);
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        // A process that has a file open a moment longer blocks nobody else.
        let path = CString::new(self.path().as_os_str().as_bytes()).expect("no NUL");
        // SAFETY: the path is NUL-terminated.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
        let ended = self.session.take().map(BackgroundSession::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "{ended:?}");
    }
}

/// Entries and attributes are looked up anew each time.
const TTL: Duration = Duration::ZERO;

struct Passthrough {
    orders: Arc<Orders>,
    /// An `O_PATH` descriptor of each inode that was ever looked up, so that no number comes twice.
    inodes: Mutex<HashMap<u64, Arc<File>>>,
    /// Open files.
    handles: Mutex<HashMap<u64, Arc<File>>>,
    next_handle: AtomicU64,
}

impl Passthrough {
    fn of(root: &Path, orders: Arc<Orders>) -> Self {
        let root = Arc::new(open_path(root).expect("a directory"));
        Self {
            orders,
            inodes: Mutex::new(HashMap::from([(INodeNo::ROOT.0, root)])),
            handles: Mutex::default(),
            next_handle: AtomicU64::new(1),
        }
    }

    fn check(&self, operation: Operation) -> Result<(), Errno> {
        lock(&self.orders.failures).get(&operation).map_or(Ok(()), |errno| Err(*errno))
    }

    /// A path that leads to an inode, whatever has become of its name.
    fn path(&self, inode: INodeNo) -> Result<PathBuf, Errno> {
        let inodes = lock(&self.inodes);
        Ok(magic_link(inodes.get(&inode.0).ok_or(Errno::ESTALE)?))
    }

    fn file(&self, handle: FileHandle) -> Result<Arc<File>, Errno> {
        lock(&self.handles).get(&handle.0).cloned().ok_or(Errno::EBADF)
    }

    fn enter(&self, file: File) -> FileHandle {
        let handle = self.next_handle.fetch_add(1, Ordering::Relaxed);
        lock(&self.handles).insert(handle, Arc::new(file));
        FileHandle(handle)
    }

    fn look_up(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let file = open_path(&self.path(parent)?.join(name))?;
        let attributes = self.attributes(&file.metadata()?);
        lock(&self.inodes).entry(attributes.ino.0).or_insert_with(|| Arc::new(file));
        Ok(attributes)
    }

    fn stat(&self, inode: INodeNo) -> Result<FileAttr, Errno> {
        let attributes = self.attributes(&fs::metadata(self.path(inode)?)?);
        Ok(FileAttr { ino: inode, ..attributes })
    }

    fn attributes(&self, metadata: &Metadata) -> FileAttr {
        let time = |seconds: i64, nanoseconds: i64| {
            let whole = self.orders.has_whole_seconds.load(Ordering::Relaxed);
            let nanoseconds = if whole { 0 } else { nanoseconds.unsigned_abs() };
            UNIX_EPOCH
                + Duration::from_secs(seconds.unsigned_abs())
                + Duration::from_nanos(nanoseconds)
        };
        FileAttr {
            ino: INodeNo(metadata.ino()),
            size: metadata.size(),
            blocks: metadata.blocks(),
            atime: time(metadata.atime(), metadata.atime_nsec()),
            mtime: time(metadata.mtime(), metadata.mtime_nsec()),
            ctime: time(metadata.ctime(), metadata.ctime_nsec()),
            crtime: UNIX_EPOCH,
            kind: FileType::from_std(metadata.file_type()).expect("a kind of file"),
            perm: u16::try_from(metadata.mode() & 0o7777).expect("twelve bits"),
            nlink: u32::try_from(metadata.nlink()).expect("a few links"),
            uid: metadata.uid(),
            gid: metadata.gid(),
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }

    /// As the user who makes the request, who then owns the file.
    fn create_file(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
    ) -> Result<(FileAttr, FileHandle), Errno> {
        self.check(Operation::Create)?;
        let path = self.path(parent)?.join(name);
        let file =
            File::options().read(true).write(true).create_new(true).mode(mode).open(&path)?;
        chown(&path, Some(request.uid()), Some(request.gid()))?;
        Ok((self.look_up(parent, name)?, self.enter(file)))
    }

    #[allow(clippy::too_many_arguments, reason = "they are one system call's each")]
    fn set_attributes(
        &self,
        inode: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        times: [Option<TimeOrNow>; 2],
    ) -> Result<FileAttr, Errno> {
        let path = self.path(inode)?;
        if let Some(mode) = mode {
            self.check(Operation::Chmod)?;
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
        }
        if uid.is_some() || gid.is_some() {
            self.check(Operation::Chown)?;
            chown(&path, uid, gid)?;
        }
        if let Some(size) = size {
            self.check(Operation::Truncate)?;
            File::options().write(true).open(&path)?.set_len(size)?;
        }
        if times != [None, None] {
            self.check(Operation::SetTimes)?;
            let [accessed, modified] = times.map(|time| match time {
                Some(TimeOrNow::SpecificTime(time)) => Some(time),
                Some(TimeOrNow::Now) => Some(SystemTime::now()),
                None => None,
            });
            let mut times = fs::FileTimes::new();
            times = accessed.map_or(times, |accessed| times.set_accessed(accessed));
            times = modified.map_or(times, |modified| times.set_modified(modified));
            File::open(&path)?.set_times(times)?;
        }
        self.stat(inode)
    }

    fn move_name(
        &self,
        from: (INodeNo, &OsStr),
        to: (INodeNo, &OsStr),
        flags: RenameFlags,
    ) -> Result<(), Errno> {
        self.check(Operation::Rename)?;
        if flags.contains(RenameFlags::RENAME_NOREPLACE) {
            self.check(Operation::RenameNoReplace)?;
        }
        let (from, to) = (self.path(from.0)?.join(from.1), self.path(to.0)?.join(to.1));
        let flags = rustix::fs::RenameFlags::from_bits_retain(flags.bits());
        Ok(rustix::fs::renameat_with(CWD, from, CWD, to, flags).map_err(io::Error::from)?)
    }

    fn link_name(&self, inode: INodeNo, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        self.check(Operation::Link)?;
        let (from, to) = (self.path(inode)?, self.path(parent)?.join(name));
        rustix::fs::linkat(CWD, from, CWD, to, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)?;
        self.look_up(parent, name)
    }

    /// What one of the two calls that read attributes fills a buffer with.
    fn read_attribute(
        &self,
        inode: INodeNo,
        read: impl FnOnce(&Path, &mut [u8]) -> rustix::io::Result<usize>,
    ) -> Result<Vec<u8>, Errno> {
        self.check(Operation::GetXattr)?;
        let mut value = vec![0; 65536];
        let length = read(&self.path(inode)?, &mut value).map_err(io::Error::from)?;
        value.truncate(length);
        Ok(value)
    }

    fn change_attribute(
        &self,
        inode: INodeNo,
        change: impl FnOnce(&Path) -> rustix::io::Result<()>,
    ) -> Result<(), Errno> {
        self.check(Operation::SetXattr)?;
        Ok(change(&self.path(inode)?).map_err(io::Error::from)?)
    }

    fn names(&self, directory: INodeNo) -> Result<Vec<fs::DirEntry>, Errno> {
        Ok(fs::read_dir(self.path(directory)?)?.collect::<io::Result<Vec<_>>>()?)
    }
}

impl Filesystem for Passthrough {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.look_up(parent, name));
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        attributes(reply, self.stat(inode));
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        // As libfuse 2 does, and says that it has.
        let takes_access_alone = !self.orders.forgets_access.load(Ordering::Relaxed);
        let accessed = accessed.filter(|_| takes_access_alone || modified.is_some());
        let times = [accessed, modified];
        attributes(reply, self.set_attributes(inode, mode, uid, gid, size, times));
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let make = || {
            let path = self.path(parent)?.join(name);
            fs::create_dir(&path)?;
            fs::set_permissions(path, Permissions::from_mode(mode))?;
            self.look_up(parent, name)
        };
        entry(reply, make());
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.path(parent).and_then(|path| Ok(fs::remove_file(path.join(name))?)));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.path(parent).and_then(|path| Ok(fs::remove_dir(path.join(name))?)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        done(reply, self.move_name((parent, name), (new_parent, new_name), flags));
    }

    fn link(
        &self,
        _: &Request,
        inode: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        entry(reply, self.link_name(inode, new_parent, new_name));
    }

    fn open(&self, _: &Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let open = || {
            let writes = flags.0 & libc::O_ACCMODE != libc::O_RDONLY;
            if writes {
                self.check(Operation::OpenToWrite)?;
            }
            Ok(File::options().read(true).write(writes).open(self.path(inode)?)?)
        };
        match open() {
            Ok(file) => reply.opened(self.enter(file), FopenFlags::empty()),
            Err(errno) => reply.error(errno),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.create_file(request, parent, name, mode) {
            Ok((attributes, handle)) => {
                reply.created(&TTL, &attributes, Generation(0), handle, FopenFlags::empty());
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut bytes = vec![0; size as usize];
        match self.file(handle).and_then(|file| Ok(file.read_at(&mut bytes, offset)?)) {
            Ok(length) => reply.data(&bytes[..length]),
            Err(errno) => reply.error(errno),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let write = || {
            self.check(Operation::Write)?;
            Ok(self.file(handle)?.write_all_at(bytes, offset)?)
        };
        match write() {
            Ok(()) => reply.written(u32::try_from(bytes.len()).expect("a request's length")),
            Err(errno) => reply.error(errno),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        lock(&self.handles).remove(&handle.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        // Nobody pulls the plug here.
        done(reply, self.check(Operation::Fsync));
    }

    fn readdir(
        &self,
        _: &Request,
        directory: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        use std::os::unix::fs::DirEntryExt;
        match self.names(directory) {
            Ok(names) => {
                for (next, name) in (1..).zip(names).skip(usize::try_from(offset).expect("few")) {
                    let kind = name.file_type().ok().and_then(FileType::from_std);
                    let kind = kind.unwrap_or(FileType::RegularFile);
                    if reply.add(INodeNo(name.ino()), next, kind, name.file_name()) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        inode: INodeNo,
        name: &OsStr,
        value: &[u8],
        _: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let set = |path: &Path| rustix::fs::setxattr(path, name, value, XattrFlags::empty());
        done(reply, self.change_attribute(inode, set));
    }

    fn getxattr(&self, _: &Request, inode: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let get = |path: &Path, value: &mut [u8]| rustix::fs::getxattr(path, name, value);
        attribute(reply, size, self.read_attribute(inode, get));
    }

    fn listxattr(&self, _: &Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        let list = |path: &Path, names: &mut [u8]| rustix::fs::listxattr(path, names);
        attribute(reply, size, self.read_attribute(inode, list));
    }

    fn removexattr(&self, _: &Request, inode: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.change_attribute(inode, |path| rustix::fs::removexattr(path, name)));
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let reserve = || {
            self.check(Operation::Fallocate)?;
            let mode = FallocateFlags::from_bits_retain(mode.unsigned_abs());
            let reserved = rustix::fs::fallocate(&*self.file(handle)?, mode, offset, length);
            Ok(reserved.map_err(io::Error::from)?)
        };
        done(reply, reserve());
    }
}

fn entry(reply: ReplyEntry, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(errno) => reply.error(errno),
    }
}

fn attributes(reply: ReplyAttr, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attributes) => reply.attr(&TTL, &attributes),
        Err(errno) => reply.error(errno),
    }
}

fn done(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

/// Zero asks for the size alone (getxattr(2)).
fn attribute(reply: ReplyXattr, size: u32, value: Result<Vec<u8>, Errno>) {
    match value {
        Ok(value) if size == 0 => reply.size(u32::try_from(value.len()).expect("64 KiB at most")),
        Ok(value) if value.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(errno) => reply.error(errno),
    }
}

fn open_path(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_PATH | libc::O_NOFOLLOW).open(path)
}

fn magic_link(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
