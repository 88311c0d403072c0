//! One call on a token file, and where its token comes from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::caller::Caller;
use crate::clock::Clock;
use crate::error::Error;
use crate::record::TokenOwner;
use crate::refresh_log::Log;
use crate::token_file::FileSpec;
use crate::token_file::replace::WriteMode;
pub use crate::token_source::Remote;
use crate::token_source::TokenSource;

#[derive(Clone)]
pub struct Call {
    /// The token file, as an absolute path.
    pub file: PathBuf,
    pub spec: FileSpec,
    pub refresh_ahead: Duration,
    /// Whether a due refresh runs on a thread, so that not even the caller that starts it waits.
    pub background: bool,
    pub lock_timeout: Duration,
    pub file_mode: u32,
    pub write_mode: WriteMode,
    pub clock: Arc<dyn Clock>,
    pub caller: Caller,
    /// Which account the token must belong to, as far as that is known.
    pub owner: Option<TokenOwner>,
    /// `None` without a shared store.
    pub confirmation: Option<Confirmation>,
    /// `None` where nothing is logged.
    pub log: Option<Log>,
}

/// How often the store is asked.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation {
    /// A token that was confirmed so long ago is compared with the store's.
    pub every: Duration,
    /// The call that has it compared waits for that, if it was confirmed so long ago; zero for never.
    pub max_age: Duration,
    /// For so long at most.
    pub timeout: Duration,
}

impl Call {
    /// The same call, made on a worker.
    pub fn on_worker(self) -> Self {
        Self { caller: self.caller.on_worker(), log: self.log.map(Log::on_worker), ..self }
    }

    /// The same call, which waits for no store.
    pub(super) fn without_wait(&self) -> Self {
        let without_wait = |confirmation| Confirmation { max_age: Duration::ZERO, ..confirmation };
        Self { confirmation: self.confirmation.map(without_wait), ..self.clone() }
    }
}

pub enum LazySource<'a> {
    Remote(&'a dyn Fn() -> Result<Remote, Error>),
    /// A source that must be asked on this very thread: PHP code.
    Local(&'a dyn Fn() -> Result<Local<'a>, Error>),
}

pub type Local<'a> = Box<dyn TokenSource + 'a>;

impl LazySource<'_> {
    pub(super) fn open(&self) -> Result<ReadySource<'_>, Error> {
        match self {
            Self::Remote(make) => make().map(ReadySource::Remote),
            Self::Local(make) => make().map(ReadySource::Local),
        }
    }

    /// What compares a token with those of other machines, on a worker. `None` if this source shares none.
    pub(super) fn open_comparer(&self) -> Result<Option<Remote>, Error> {
        match self {
            Self::Remote(make) => make().map(Some),
            Self::Local(make) => make().map(|source| source.comparer()),
        }
    }
}

pub(super) enum ReadySource<'a> {
    Remote(Remote),
    Local(Local<'a>),
}

impl ReadySource<'_> {
    pub(super) fn source(&self) -> &dyn TokenSource {
        match self {
            Self::Remote(source) => source.as_ref(),
            Self::Local(source) => source.as_ref(),
        }
    }
}
