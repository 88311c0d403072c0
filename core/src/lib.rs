//! wx_token without PHP: a WeChat `access_token` file, kept fresh by one locked read, check, refresh and write.
//!
//! Modules from top to bottom. A module imports only from modules below it, which `tests/imports.rs` checks.
//!
//! ```text
//! lib              what the extension and the tests use
//! status           what can be told of a file without lock or fetch
//! ticket           a token source that needs an access token first
//! protocol         the decision: serve the token, wait for another's refresh, or refresh
//!   poll           a call that never waits, for event loops
//!   due            a valid token that is due: one refresh, nobody waits
//!   wait           no usable token: wait, or refresh
//!   turn           under the lock: read once more, then fetch and store
//!   held_locks     locks that PHP code holds around a callable
//!   interrupted    a refresh that ended with its process
//!   file_state     what a call finds: the file, and what its process knows besides
//!   lock_wait      bounded, jittered waits for a lock
//! refresh          one refresh under a held lock: fetch, then store the token or the failure
//! worker           threads that no signal of PHP reaches
//! memory           what this process remembers of files
//! unstored_tokens  what this process knows of files that could not take it
//! account          whose token: options, accounts file, settings, environment
//! settings         every setting as a value
//! wechat           WeChat as a token source
//!   client         one fetch, with its retries
//!   http           requests within one time limit
//!   resolver       host names for ureq
//!   connector      TCP for ureq
//!   request        what is sent
//!   answer         what answers mean
//!   errcode        WeChat's error codes
//!   endpoint       WeChat's endpoints and addresses
//! token_source     what a refresh asks for a token
//! error            why a call has no token
//! token_file       the only state on disk
//!   replace        temporary file and rename, or a write in place
//!   lock           flock(2)
//!   metadata       owner, mode, ACL and attributes of a new file
//!   holder         who holds a lock: /proc/locks
//!   path           symbolic links, to the real file
//!   document       the content, found and edited byte by byte
//!     json         members of a JSON object, and where they stand
//!     serialized   the part of serialize() that cache files use
//!     layout       how legacy projects write an expiry
//!   error          what is wrong with a token file, and what to do
//! failure          why a refresh failed, as all who waited for it share it
//! record           what is known of a token beside its file
//! token            a token, wherever it comes from
//! secret           text that is never shown
//! notice           lines for the error log
//! names            host names to addresses, without the C library
//!   dns            DNS
//!     message      one question and its answer
//!   config         resolv.conf(5)
//!   hosts          hosts(5)
//! socket           sockets with a deadline, which no child keeps
//! descriptor       whatever is opened, never as a standard stream
//! process          what this process has under way, and how a fork forgets it
//! caller           who makes a call
//! clock            the clocks
//! signals          which signals wait while a lock is held
//! printable        text from outside, as a message may hold it
//! ```

// Tests may open what they like.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod account;
pub mod caller;
pub mod clock;
pub mod credentials;
mod descriptor;
pub mod endpoint;
pub mod error;
pub mod failure;
pub mod fingerprint;
mod hold_off;
pub mod memory;
mod names;
pub mod notice;
pub mod printable;
pub mod process;
pub mod protocol;
pub mod record;
pub mod secret;
pub mod settings;
mod signals;
mod socket;
pub mod status;
pub mod ticket;
pub mod token;
pub mod token_file;
pub mod token_source;
mod unstored_tokens;
pub mod wechat;
pub mod worker;
