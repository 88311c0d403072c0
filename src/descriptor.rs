//! Descriptors of the extension, none of which is a standard stream.
//!
//! A daemon may have closed descriptors 0 to 2, and the kernel gives the lowest one that is free. PHP
//! prints to descriptor 1 whatever that is: a token file that was opened there would hold the page.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::fcntl_getfd;

use crate::process::{self, UnderWay};

/// The lowest descriptor that is no standard stream.
const FIRST: RawFd = libc::STDERR_FILENO + 1;

/// Opens something with `open`, as a descriptor that is no standard stream.
///
/// # Errors
/// Those of `open`.
pub fn open<T: AsFd>(mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match open_plainly(&mut open)? {
        Some(opened) => Ok(opened),
        None => open_beside_fillers(&process::under_way(), open),
    }
}

/// The same for whoever holds what the process has under way, so that no fork happens meanwhile.
///
/// # Errors
/// Those of `open`.
pub fn open_under<T: AsFd>(
    under_way: &UnderWay,
    mut open: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    match open_plainly(&mut open)? {
        Some(opened) => Ok(opened),
        None => open_beside_fillers(under_way, open),
    }
}

/// `None` if a standard stream is closed, so that its number would be taken.
fn open_plainly<T: AsFd>(open: &mut impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    if !streams_are_open() {
        return Ok(None);
    }
    let opened = open()?;
    // Another thread may have closed one since.
    Ok((opened.as_fd().as_raw_fd() >= FIRST).then_some(opened))
}

fn streams_are_open() -> bool {
    (0..FIRST).all(|number| {
        // SAFETY: a descriptor that is closed meanwhile is an error of the call, not of the program.
        fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) }).is_ok()
    })
}

/// The fillers are closed again before another thread may fork: its child would keep them.
fn open_beside_fillers<T>(
    _no_fork: &UnderWay,
    mut open: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut fillers = Vec::new();
    loop {
        let filler = filler()?;
        if filler.as_raw_fd() >= FIRST {
            break;
        }
        fillers.push(filler);
    }
    open()
}

/// Nothing can be read from it or written to it, as from a descriptor that is closed.
fn filler() -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/", flags, Mode::empty())?)
}
