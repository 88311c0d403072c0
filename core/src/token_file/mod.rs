//! The token file: the only state on disk, and its flock the only lock.
//!
//! Nothing here fetches, and nothing here decides. ARCHITECTURE.md has the order in which imports run
//! downwards.

mod access;
mod attributes;
pub(crate) mod beside;
mod create;
pub(crate) mod deadlock;
pub mod document;
mod error;
mod flock;
pub(crate) mod holder;
mod known;
pub(crate) mod lock;
mod metadata;
mod path;
mod path_handle;
mod read;
pub(crate) mod replace;
pub(crate) mod siblings;
mod space;
mod staged;
mod system_error;
mod times;
mod users;
mod version;
mod wakeup;

pub use self::deadlock::Deadlock;
pub use self::document::{Content, CredentialKind, Document, FileSpec, Layout, Origin, Refusal};
pub use self::error::FileError;
pub(crate) use self::known::KnownFiles;
pub use self::path::{are_one, resolve};
pub(crate) use self::path_handle::PathHandle;
pub(crate) use self::read::{Snapshot, read, read_since, read_unless_racy};
pub use self::replace::WriteMode;
pub(crate) use self::system_error::SystemError;
pub(crate) use self::version::{FileVersion, stat, stat_regular};
pub(crate) use self::wakeup::Woken;
