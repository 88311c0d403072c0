//! A temporary file that is to replace a locked token file.
//!
//! It is locked from its creation: nobody sweeps it away, and once it is in place it excludes everybody.

use std::fs::File;
use std::io;
use std::mem;
use std::path::Path;

use tempfile::NamedTempFile;

use super::flock::try_lock;
use super::siblings;
use super::version::FileVersion;
use crate::process::{self, FileId};

const MAX_TRIES: usize = 16;

/// A locked temporary file, removed when it is dropped.
pub struct StagedFile {
    /// `None` once it is in place.
    pub(super) file: Option<NamedTempFile>,
    pub(super) id: FileId,
    generation: u64,
}

impl StagedFile {
    /// Creates one beside the `locked` file at `path`; it has the same owner in this process.
    pub fn create(locked: &File, path: &Path) -> io::Result<Self> {
        let mut process_state = process::process_state();
        let owner = process_state.owner_of(locked);
        for _ in 0..MAX_TRIES {
            let file = siblings::create(&process_state, path)?;
            // If it fails, another process takes the file for a leftover and is about to remove it.
            if try_lock(file.as_file())? {
                let id = FileVersion::from_stat(&rustix::fs::fstat(file.as_file())?).id;
                process_state.hold(file.as_file(), id, owner);
                let generation = process_state.generation;
                return Ok(Self { file: Some(file), id, generation });
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub fn file(&self) -> io::Result<&File> {
        let file = self.file.as_ref().map(NamedTempFile::as_file);
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        let mut process_state = process::process_state();
        if process_state.generation == self.generation {
            process_state.forget(file.as_file());
            // While no fork can copy it.
            siblings::remove(file);
        } else {
            // A forked child: it has closed its copy already, and the file is its parent's.
            let (file, path) = file.into_parts();
            mem::forget(file);
            let _ = path.keep();
        }
    }
}
