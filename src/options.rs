//! The options of a call: its account, the file's layout, and the settings that it changes for itself.

use std::ffi::CStr;

use ext_php_rs::convert::FromZvalMut;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, Zval};

use crate::argument_errors::{type_error, value_error};
use crate::default_account;
use wx_token_core::account::AccountOptions;
use wx_token_core::printable::printable;
use wx_token_core::record::TokenOwner;
use wx_token_core::settings::{self, Overrides, Settings};
use wx_token_core::token_file::Layout;

/// What the options of a call say. Each goes before the setting of its name.
#[derive(Clone, Copy, Default)]
pub struct CallOptions<'a> {
    pub account: AccountOptions<'a>,
    pub overrides: Overrides,
    /// How the file is written, where its content does not tell.
    pub layout: Option<Layout>,
    /// Where the token comes from, in place of an account.
    pub loader: Option<&'a Zval>,
    /// The name under which machines share what the loader gives.
    pub share_as: Option<&'a str>,
}

/// `?array`, argument number `N`: the options of a call.
pub struct OptionsArg<'a, const N: u32>(Option<&'a ZendHashTable>);

impl<'a, const N: u32> FromZvalMut<'a> for OptionsArg<'a, N> {
    const TYPE: DataType = DataType::Array;
    const NULLABLE: bool = true;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        Self::new(zval, c"must be of type ?array, %s given")
    }

    fn from_missing() -> Option<Self> {
        Some(Self(None))
    }
}

impl<'a, const N: u32> OptionsArg<'a, N> {
    pub fn new(zval: &'a Zval, spec: &CStr) -> Option<Self> {
        if zval.is_null() || zval.array().is_some() {
            return Some(Self(zval.array()));
        }
        type_error(N, spec, zval);
        None
    }

    pub fn read(&self) -> PhpResult<CallOptions<'a>> {
        self.0.map_or_else(|| Ok(CallOptions::default()), CallOptions::new::<N>)
    }
}

impl<'a> CallOptions<'a> {
    fn new<const N: u32>(array: &'a ZendHashTable) -> PhpResult<Self> {
        let mut options = Self::default();
        let mut entries = array.iter();
        // The iterator itself panics on a key that is not UTF-8, and so does whatever is built on it.
        while let Some((key, value)) = entries.next_zval() {
            let key = key.zend_str().ok_or_else(|| {
                value_error(N, "must have string keys, for example ['appid' => …, 'secret' => …]")
            })?;
            options
                .set(key.as_bytes(), value.dereference())
                .map_err(|problem| value_error(N, &problem))?;
        }
        options.check().map_err(|problem| value_error(N, problem))?;
        Ok(options)
    }

    fn set(&mut self, key: &[u8], value: &'a Zval) -> Result<(), String> {
        self.account.is_corp |= key.starts_with(b"corp");
        let set = match key {
            b"appid" | b"corpid" => text(value).map(|id| self.account.appid = Some(id)),
            b"secret" | b"corpsecret" => {
                text(value).map(|secret| self.account.secret = Some(secret))
            }
            b"endpoint" => text(value)
                .and_then(settings::endpoint)
                .map(|endpoint| self.account.endpoint = Some(endpoint)),
            b"layout" => text(value).and_then(layout).map(|layout| self.layout = Some(layout)),
            b"loader" if value.is_callable() => {
                self.loader = Some(value);
                Ok(())
            }
            b"loader" => Err("must be callable".to_owned()),
            b"share_as" => text(value).and_then(share_name).map(|name| self.share_as = Some(name)),
            _ => match self.overrides.set(key, || seconds(value)) {
                Some(set) => set,
                None => return Err(unknown(key)),
            },
        };
        set.map_err(|problem| format!("option \"{}\" {problem}", printable(key).at_most(100)))
    }

    fn check(&self) -> Result<(), &'static str> {
        let AccountOptions { appid, secret, endpoint, is_corp } = self.account;
        let has_account = appid.is_some() || secret.is_some() || endpoint.is_some() || is_corp;
        if self.loader.is_some() && has_account {
            return Err("has the option \"loader\" and an account: a loader fetches by itself");
        }
        if self.share_as.is_some() && self.loader.is_none() {
            return Err(
                "has the option \"share_as\" without \"loader\": accounts need no name to be shared",
            );
        }
        self.account.check()
    }

    /// Rejects a loader, for functions that cannot run one.
    pub fn without_loader(self, number: u32) -> PhpResult<Self> {
        match self.loader {
            Some(_) => Err(value_error(number, "must not have the option \"loader\" here")),
            None => Ok(self),
        }
    }

    /// Whether the call asks for the token of another account than `owner`.
    pub fn is_anothers(&self, owner: &TokenOwner, settings: &Settings) -> bool {
        match self.account.claim(settings.endpoint) {
            Some(claim) => claim.is_not(owner),
            None => default_account::is_not(owner, settings),
        }
    }
}

fn unknown(key: &[u8]) -> String {
    let times: Vec<_> = Overrides::names().collect();
    format!(
        "contains the unknown option \"{}\"; allowed are appid (or corpid), secret (or corpsecret), endpoint, layout, loader, share_as, {}",
        printable(key).at_most(100),
        times.join(", ")
    )
}

fn text(value: &Zval) -> Result<&str, String> {
    let text = value.zend_str().filter(|text| !text.is_empty());
    let text = text.ok_or("must be a non-empty string")?;
    let text = text.as_str().map_err(|_| "must be valid UTF-8")?;
    if text.contains('\0') {
        return Err("must not contain any null bytes".to_owned());
    }
    Ok(text)
}

/// The longest name, in bytes.
const MAX_SHARE_NAME: usize = 100;

/// A name as a key of the store contains it.
fn share_name(name: &str) -> Result<&str, String> {
    if name.len() > MAX_SHARE_NAME || name.chars().any(|c| c.is_control() || "{}".contains(c)) {
        return Err("must have 100 bytes at most, without braces and control characters".to_owned());
    }
    Ok(name)
}

fn layout(name: &str) -> Result<Layout, String> {
    Layout::by_name(name).ok_or_else(|| format!("must be one of {}", Layout::NAMES))
}

/// A number of seconds, NaN for what is none.
fn seconds(value: &Zval) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far beyond the range that is allowed")]
    let number = value.double().or_else(|| value.long().map(|seconds| seconds as f64));
    number.or_else(|| value.str()?.trim().parse().ok()).unwrap_or(f64::NAN)
}
