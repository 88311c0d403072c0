//! Whose token those ask for who name no account: looked up once in a request, which is as long as settings and
//! the web server's variables stay what they are.

use std::cell::RefCell;

use crate::environment;
use wx_token_core::account::{self, AccountOptions};
use wx_token_core::record::TokenOwner;
use wx_token_core::settings::Settings;

thread_local! {
    /// `None` until somebody asks for it in this request.
    static DEFAULT: RefCell<Option<Option<TokenOwner>>> = const { RefCell::new(None) };
}

/// Whether the default account is known to be another than `owner`.
pub fn is_not(owner: &TokenOwner, settings: &Settings) -> bool {
    DEFAULT.with_borrow_mut(|default| {
        let find = || account::owner(&AccountOptions::default(), settings, &environment::variable);
        default.get_or_insert_with(find).as_ref().is_some_and(|default| default.is_not(owner))
    })
}

/// For the end of a request.
pub fn forget() {
    DEFAULT.set(None);
}
