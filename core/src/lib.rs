//! wx_token without PHP: a WeChat `access_token` file, kept fresh by one locked read, check, refresh and write.
//!
//! Modules from top to bottom. A module imports only from modules below it, which `tests/imports.rs` checks.
//!
//! ```text
//! lib              what the extension and the tests use
//! status           what can be said of a file without lock or fetch
//! ticket           a token source that needs an access token first
//! protocol         the decision: return the token, wait for another call's refresh, or refresh
//!   try_get        a call that never waits, for event loops
//!   due            a valid token that is due: one refresh starts, no caller waits
//!   waiter         no usable token: wait, or refresh
//!   runner         runs a refresh on the thread that its source allows
//!   under_lock     under the lock: read again, then fetch only if that is still necessary
//!   interrupted    a refresh that ended with its process
//!   refresh        fetch, then store the token or record the failure
//!   held_locks     locks that PHP code holds around a callable: wx_with_lock()
//!   lock_wait      bounded, jittered waits for a lock
//!   lookup         what a call finds: the file, and what its process knows besides
//!   call           one call, and where its token comes from
//! hold_off         until when a new token is not refreshed
//! worker           threads that no signal of PHP reaches
//! memory           what this process remembers of files, and when that is still true
//! unstored_tokens  tokens that this process could not store
//! account          whose token: options, accounts file, settings, environment
//! settings         every setting: the table, and the values
//! wechat           WeChat as a token source
//!   client         the source itself
//!   http           one fetch: requests and retries within one time limit
//!   attempt        one request, and what its failure means
//!   transport      API addresses, proxy, CA certificates, time limits
//!   tls            which certificates are trusted
//!   resolver       host names for ureq
//!   connector      TCP for ureq
//!   request        what is sent
//!   answer         what answers mean
//!   errcode        WeChat's error codes: when to try again, and what to do
//! token_source     what gives tokens: a trait
//! error            why a call has no token
//! token_file       the only state on disk
//!   replace        the write: temporary file, fsync, rename; or in place
//!   lock           the lock of a token file
//!   deadlock       waits that would never end
//!   create         creates a missing file
//!   staged         the temporary file that will replace the file
//!   siblings       names beside the file; leftovers of killed processes
//!   read           reads a whole file, not in the middle of a write
//!   metadata       owner, mode, ACL and attributes of a new file
//!   space          disk space, reserved before the fetch
//!   times          modification times, and the clock of the file system
//!   attributes     the extended attribute user.wx_token
//!   version        which file, and which version of it
//!   known          what this process knows of files that could not take it
//!   path           symbolic links, to the real file
//!   error          what is wrong with a token file, and what to do
//!   access         why the kernel denies access, and the command that grants it
//!   users          names of users and groups, without the C library
//!   holder         who holds a lock: /proc/locks
//!   flock          flock(2): every lock and unlock
//!   system_error   an error with its system call
//!   document       the content: which format it has
//!     json_file    JSON, guarded or not
//!     serialized_file  serialize() data
//!     plain_file   the token alone
//!     found        what a format finds in a file
//!     keyed        how token and expiry are written, in both formats with keys
//!     json         a parser of JSON objects
//!     serialized   a parser of serialize() arrays
//!     members      members of a text, and the splices that change it
//!     content      what is to be written
//!     refresh_state  failure record and hold-off time, as the file holds them
//!     refusal      why a file is rejected
//!     spec         what a call expects of a file
//!     layout       how legacy projects write an expiry
//! failure          why a refresh failed, and when to try again
//! record           whose a token is, and when it was fetched
//! token            a token, wherever it comes from
//! credentials      appid and secret
//! endpoint         WeChat's endpoints and addresses
//! fingerprint      a short hash, to compare and not to show
//! secret           text that is never shown
//! names            host names to addresses, without the C library
//!   dns            DNS
//!     message      one question and its answer
//!   config         resolv.conf(5)
//!   hosts          hosts(5)
//!   address        addresses and errors of a lookup
//! socket           sockets with a deadline, which no child keeps
//! notice           lines for the error log
//! descriptor       everything that is opened: never as a standard stream
//! process          the state of this process, and how a fork forgets it
//! caller           who makes a call
//! clock            the clocks
//! signals          no signal while the state is held
//! printable        text from outside, as a message may contain it
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
