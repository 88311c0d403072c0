//! Opens files, sockets and directories; none becomes a standard stream. clippy.toml disallows every other way.
//!
//! A daemon may have closed descriptors 0 to 2, and the kernel gives the lowest free one. PHP prints to
//! descriptor 1, whatever that is: a token file that was opened there would contain the page.

#![allow(clippy::disallowed_methods, reason = "this is the one way in")]

use std::ffi::{CStr, OsStr};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};
use rustix::io::fcntl_getfd;
use tempfile::NamedTempFile;

use crate::process::{self, ProcessState};

const FIRST: RawFd = libc::STDERR_FILENO + 1;

/// Whether a standard stream was found closed. From then on nothing is opened without fillers: a descriptor that
/// another thread has open for a moment, in the C library perhaps, would count as the stream.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

pub fn file(path: &Path, options: &OpenOptions) -> io::Result<File> {
    file_under(None, path, options)
}

/// The same for callers that may hold the process state.
pub fn file_under(
    held: Option<&ProcessState>,
    path: &Path,
    options: &OpenOptions,
) -> io::Result<File> {
    open_under(held, || options.open(path))
}

/// Options to read a file of unknown kind, with `flags`: a FIFO does not block, and a terminal does not become
/// the process's own.
pub fn cautious(flags: libc::c_int) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags | libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

/// The directory at `path`, which has been resolved: a link that is there now is not followed.
pub fn directory(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    file(path, OpenOptions::new().read(true).custom_flags(flags))
}

/// A descriptor that only names the file at `path`.
pub fn path_only(path: &CStr) -> io::Result<OwnedFd> {
    open_under(None, || Ok(rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?))
}

/// A new, private file in `directory`, which removes itself. Its name is `prefix`, `random_chars` letters and digits, and
/// `suffix`.
pub fn temp_file_under(
    process_state: &ProcessState,
    directory: &Path,
    prefix: &OsStr,
    suffix: &str,
    random_chars: usize,
) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix).rand_bytes(random_chars);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    // Not `tempfile_in`: it takes the number from an error.
    open_under(Some(process_state), || builder.make_in(directory, |path| options.open(path)))
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file(path, OpenOptions::new().read(true))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same for callers that may hold the process state and can do without: `None` while a standard stream is
/// closed, since opening would lock that state.
pub fn read_if_streams_are_open(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = open_plainly(&mut || File::open(path)).ok()??;
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A descriptor of a worker, which the child of a fork closes: its copy would keep a connection open.
#[derive(Debug)]
pub struct Unshared<T: AsFd> {
    ready: ManuallyDrop<T>,
    generation: u64,
}

impl<T: AsFd> Unshared<T> {
    /// Opens something with `open`, which must not block: no fork happens meanwhile.
    pub fn open(open: impl FnMut() -> io::Result<T>) -> io::Result<Self> {
        let mut process_state = process::process_state();
        let ready = open_under(Some(&process_state), open)?;
        process_state.sockets.push(ready.as_fd().as_raw_fd());
        Ok(Self { ready: ManuallyDrop::new(ready), generation: process_state.generation })
    }
}

impl Unshared<File> {
    pub fn file(path: &Path, options: &OpenOptions) -> io::Result<Self> {
        Self::open(|| options.open(path))
    }

    pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let file = Self::file(path, &cautious(0))?;
        let mut content = Vec::new();
        (&*file).take(limit).read_to_end(&mut content)?;
        Ok(content)
    }
}

impl<T: AsFd> Deref for Unshared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.ready
    }
}

impl<T: AsFd> Drop for Unshared<T> {
    fn drop(&mut self) {
        let mut process_state = process::process_state();
        // The fork handler has closed the child's copy, and the number may be another file's by now.
        if process_state.generation != self.generation {
            return;
        }
        let number = self.ready.as_fd().as_raw_fd();
        process_state.sockets.retain(|&socket| socket != number);
        // SAFETY: it is not used again. No fork happens between the line above and this one.
        unsafe { ManuallyDrop::drop(&mut self.ready) };
    }
}

/// Opens something with `open`, as a descriptor that is no standard stream. If the caller holds the process
/// state, no fork happens meanwhile.
fn open_under<T: AsFd>(
    held: Option<&ProcessState>,
    mut open: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    match (open_plainly(&mut open)?, held) {
        (Some(ready), _) => Ok(ready),
        (None, Some(process_state)) => open_beside_fillers(process_state, open),
        (None, None) => open_beside_fillers(&process::process_state(), open),
    }
}

/// `None` if a standard stream is closed, so that its number would be taken.
fn open_plainly<T: AsFd>(open: &mut impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    if WAS_CLOSED.load(Ordering::Relaxed) || !streams_are_open() {
        WAS_CLOSED.store(true, Ordering::Relaxed);
        return Ok(None);
    }
    let ready = open()?;
    // PHP code may have closed one since.
    Ok(is_no_stream(&ready).then_some(ready))
}

fn is_no_stream(ready: &impl AsFd) -> bool {
    ready.as_fd().as_raw_fd() >= FIRST
}

fn streams_are_open() -> bool {
    (0..FIRST).all(|number| {
        // SAFETY: a descriptor that is closed meanwhile is an error of the call, not of the program.
        fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) }).is_ok()
    })
}

/// How often to open something, while other threads close numbers of streams.
const MAX_TRIES: usize = 16;

/// Opens something while fillers take the numbers of the streams. They are closed again before another thread may
/// fork: its child would keep them.
fn open_beside_fillers<T: AsFd>(
    _no_fork: &ProcessState,
    mut open: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut fillers = Vec::new();
    for _ in 0..MAX_TRIES {
        loop {
            let filler = filler()?;
            if is_no_stream(&filler) {
                break;
            }
            fillers.push(filler);
        }
        let ready = open()?;
        if is_no_stream(&ready) {
            return Ok(ready);
        }
    }
    Err(rustix::io::Errno::MFILE.into())
}

/// A descriptor that can be neither read nor written, like a closed one.
fn filler() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}
