//! An error of the operating system, with the system call that returned it.

use std::io;

#[derive(Debug)]
pub struct SystemError {
    /// The system call as its manual page is named, "flock(2)".
    pub(super) call: &'static str,
    pub(super) error: io::Error,
}

impl SystemError {
    pub fn in_call(call: &'static str, error: impl Into<io::Error>) -> Self {
        Self { call, error: error.into() }
    }

    pub(super) fn of<E: Into<io::Error>>(call: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::in_call(call, error)
    }
}

impl From<io::Error> for SystemError {
    fn from(error: io::Error) -> Self {
        Self::in_call("a system call", error)
    }
}
