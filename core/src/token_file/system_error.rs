//! An error of the operating system, with the system call that returned it.

use std::io;

/// An error of the operating system, and the system call, where that is known.
#[derive(Debug)]
pub struct SystemError {
    /// As its manual page is named, "flock(2)".
    pub(super) call: Option<&'static str>,
    pub(super) error: io::Error,
}

impl SystemError {
    /// The `error` of `call`.
    pub fn in_call(call: &'static str, error: impl Into<io::Error>) -> Self {
        Self { call: Some(call), error: error.into() }
    }

    pub(super) fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    pub(super) fn errno(&self) -> Option<i32> {
        self.error.raw_os_error()
    }

    pub(super) fn call(&self) -> &'static str {
        self.call.unwrap_or("a system call")
    }
}

impl From<io::Error> for SystemError {
    fn from(error: io::Error) -> Self {
        Self { call: None, error }
    }
}
