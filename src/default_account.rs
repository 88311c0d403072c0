//! The account of the calls that name none, looked up once in a request: settings and the web server's variables
//! stay the same for that long.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

use crate::environment;
use wx_token_core::account::{self, AccountOptions};
use wx_token_core::record::TokenOwner;
use wx_token_core::settings::Settings;

/// `None` until a call of this request asks for it.
type DefaultOwner = RefCell<Option<Option<TokenOwner>>>;

thread_local! {
    /// Without a destructor: exit(3) in a signal handler would run it on the thread that the signal has
    /// interrupted, in the middle of a change perhaps.
    static DEFAULT: ManuallyDrop<DefaultOwner> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Whether the default account is known, and is another than `owner`.
pub fn is_not(owner: &TokenOwner, settings: &Settings) -> bool {
    DEFAULT.with(|default| {
        let find = || account::owner(&AccountOptions::default(), settings, &environment::variable);
        let mut default = default.borrow_mut();
        default.get_or_insert_with(find).as_ref().is_some_and(|default| default.is_not(owner))
    })
}

pub fn forget() {
    DEFAULT.with(|default| default.take());
}
