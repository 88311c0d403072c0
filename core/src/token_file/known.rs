//! What this process knows of token files because the files themselves could not take it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::path::resolve;
use crate::process::ProcessMutex;

/// The largest number of files of which something is known. Where there are no extended attributes, each file
/// that is refreshed has an entry.
const MAX_FILES: usize = 10_000;

/// One `T` for a token file, by its real path.
pub struct KnownFiles<T> {
    files: ProcessMutex<BTreeMap<PathBuf, T>>,
    /// Without an entry, no call pays for the mutex and the real path.
    is_any: AtomicBool,
}

impl<T> KnownFiles<T> {
    pub const fn new() -> Self {
        Self { files: ProcessMutex::new(BTreeMap::new()), is_any: AtomicBool::new(false) }
    }

    /// What is known of the file at `path`, by whatever name.
    pub fn get(&self, path: &Path) -> Option<T>
    where
        T: Clone,
    {
        let real = self.is_any.load(Ordering::Relaxed).then(|| resolve(path).ok())??;
        self.files.with(|files| files.get(&real).cloned())
    }

    /// Sets what is known of the file at `real`, and returns what was.
    pub fn set(&self, real: &Path, known: Option<T>) -> Option<T> {
        if known.is_none() && !self.is_any.load(Ordering::Relaxed) {
            return None;
        }
        self.change(|files| {
            let before = files.remove(real);
            if let Some(known) = known {
                if files.len() >= MAX_FILES {
                    files.pop_first();
                }
                files.insert(real.to_owned(), known);
            }
            before
        })
    }

    pub fn retain(&self, is_kept: impl Fn(&T) -> bool) {
        self.change(|files| files.retain(|_, known| is_kept(known)));
    }

    fn change<R>(&self, work: impl FnOnce(&mut BTreeMap<PathBuf, T>) -> R) -> R {
        self.files.with(|files| {
            let result = work(files);
            self.is_any.store(!files.is_empty(), Ordering::Relaxed);
            result
        })
    }
}
