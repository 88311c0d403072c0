//! The settings `wx_token.*`: one table of them all, and their values.
//!
//! The table is the only list: the PHP boundary makes INI entries, phpinfo() rows and options of calls from it.

use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::Proxy;

use crate::endpoint::{ApiBase, Endpoint};
use crate::refresh_log::{Destination, Level};
use crate::secret::Secret;
use crate::store::{Place, StoreSettings};
use crate::token_file::replace::WriteMode;
use crate::wechat::Transport;

pub struct Setting {
    pub name: &'static CStr,
    /// Its default, as it would stand in php.ini.
    pub default: &'static CStr,
    pub scope: Scope,
    pub is_secret: bool,
    setter: Setter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In php.ini and the pools of php-fpm.
    System,
    /// There, and for each directory.
    PerDir,
    /// There, and by scripts.
    All,
}

enum Setter {
    Text(fn(&mut Settings, &str) -> Result<(), String>),
    /// A number of seconds, not below the first.
    Seconds(f64, fn(&mut Settings) -> &mut Duration),
    /// The same; an option of that name changes it for a call.
    CallSeconds(
        f64,
        fn(&mut Settings) -> &mut Duration,
        fn(&mut Overrides) -> &mut Option<Duration>,
    ),
}

use Scope::{All, PerDir, System};
use Setter::{CallSeconds, Seconds, Text};

#[rustfmt::skip]
pub static SETTINGS: [Setting; 26] = [
    row(c"wx_token.appid", c"", System, Text(|to, text| put(&mut to.appid, Ok(text.to_owned())))),
    secret(row(c"wx_token.secret", c"", System, Text(|to, text| put(&mut to.secret, Ok(Secret::new(text)))))),
    row(c"wx_token.accounts_file", c"", System, Text(|to, text| put(&mut to.accounts_file, path(text)))),
    // The old name of accounts_file.
    row(c"wx_token.accounts", c"", System, Text(|to, text| put(&mut to.accounts, path(text)))),
    row(c"wx_token.endpoint", c"stable", PerDir, Text(|to, text| put(&mut to.endpoint, endpoint(text)))),
    row(c"wx_token.api_base", c"", System, Text(|to, text| put(&mut to.transport.bases, bases(text)))),
    row(c"wx_token.refresh_ahead", c"300", All, CallSeconds(0.0, |to| &mut to.refresh_ahead, |to| &mut to.refresh_ahead)),
    row(c"wx_token.background", c"1", All, Text(|to, text| put(&mut to.background, switch(text)))),
    row(c"wx_token.revalidate_freq", c"0", All, Seconds(0.0, |to| &mut to.revalidate_freq)),
    row(c"wx_token.path_ttl", c"1", All, Seconds(0.0, |to| &mut to.path_ttl)),
    row(c"wx_token.lock_timeout", c"10", All, CallSeconds(0.0, |to| &mut to.lock_timeout, |to| &mut to.lock_timeout)),
    row(c"wx_token.connect_timeout", c"3", All, Seconds(LEAST_LIMIT, |to| &mut to.transport.connect_timeout)),
    row(c"wx_token.timeout", c"8", All, CallSeconds(LEAST_LIMIT, |to| &mut to.transport.timeout, |to| &mut to.timeout)),
    row(c"wx_token.write_mode", c"replace", PerDir, Text(|to, text| put(&mut to.write_mode, text.parse()))),
    row(c"wx_token.file_mode", c"0600", PerDir, Text(|to, text| put(&mut to.file_mode, mode(text)))),
    row(c"wx_token.log", c"", System, Text(|to, text| put(&mut to.log, log(text)))),
    row(c"wx_token.log_level", c"info", System, Text(|to, text| put(&mut to.log_level, text.parse()))),
    row(c"wx_token.ca_file", c"", System, Text(|to, text| put(&mut to.transport.ca_file, path(text)))),
    // A proxy's URL may hold a password.
    secret(row(c"wx_token.proxy", c"", System, Text(|to, text| put(&mut to.transport.proxy, proxy(text))))),
    // So may the store's.
    secret(row(c"wx_token.store", c"", System, Text(|to, text| put(&mut to.store.place, store(text))))),
    secret(row(c"wx_token.store_password", c"", System, Text(|to, text| put(&mut to.store.password, Ok(Secret::new(text)))))),
    row(c"wx_token.store_prefix", c"wx_token:", System, Text(|to, text| put(&mut to.store.prefix, prefix(text)))),
    row(c"wx_token.store_timeout", c"0.1", All, Seconds(LEAST_LIMIT, |to| &mut to.store.timeout)),
    row(c"wx_token.store_revalidate", c"25", All, Seconds(0.0, |to| &mut to.store.revalidate)),
    row(c"wx_token.store_max_age", c"60", All, Seconds(0.0, |to| &mut to.store.max_age)),
    secret(row(c"wx_token.store_key", c"", System, Text(|to, text| put(&mut to.store.key, Ok(Secret::new(text)))))),
];

const fn row(name: &'static CStr, default: &'static CStr, scope: Scope, setter: Setter) -> Setting {
    Setting { name, default, scope, is_secret: false, setter }
}

const fn secret(setting: Setting) -> Setting {
    Setting { is_secret: true, ..setting }
}

impl Setting {
    /// Sets it to `text`.
    ///
    /// # Errors
    /// What the value must be. A rejected value changes nothing, and the message does not contain it.
    pub fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        let seconds = || text.trim().parse().unwrap_or(f64::NAN);
        match self.setter {
            Text(set) => set(settings, text),
            Seconds(least, field) | CallSeconds(least, field, _) => {
                put(field(settings), duration(least, seconds()))
            }
        }
    }
}

fn put<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    value.map(|value| *place = value)
}

/// Every setting's value. `default()` leaves all unset: the defaults are in the table.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub appid: String,
    pub secret: Secret,
    pub accounts_file: Option<PathBuf>,
    /// The accounts file, by the setting's old name.
    pub accounts: Option<PathBuf>,
    pub endpoint: Endpoint,
    pub refresh_ahead: Duration,
    pub background: bool,
    /// How long the memory of a file is trusted without a look at the file.
    pub revalidate_freq: Duration,
    /// How long a descriptor of a file may stand for its path.
    pub path_ttl: Duration,
    pub lock_timeout: Duration,
    pub file_mode: u32,
    pub write_mode: WriteMode,
    /// `None` to log nothing.
    pub log: Option<Arc<Destination>>,
    pub log_level: Level,
    pub transport: Transport,
    pub store: StoreSettings,
}

impl Settings {
    /// The accounts file. Of two names that are set, the newer one counts.
    pub fn accounts_file(&self) -> Option<&Path> {
        self.accounts_file.as_deref().or(self.accounts.as_deref())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides {
    pub refresh_ahead: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    pub timeout: Option<Duration>,
}

impl Overrides {
    pub fn names() -> impl Iterator<Item = &'static str> {
        SETTINGS.iter().filter(|setting| matches!(setting.setter, CallSeconds(..))).filter_map(key)
    }

    /// Sets the option `name` to what `seconds` gives; `None` if there is no such option.
    pub fn set(&mut self, name: &[u8], seconds: impl Fn() -> f64) -> Option<Result<(), String>> {
        SETTINGS.iter().find_map(|setting| match setting.setter {
            CallSeconds(least, _, field) if key(setting)?.as_bytes() == name => {
                Some(put(field(self), duration(least, seconds()).map(Some)))
            }
            _ => None,
        })
    }
}

fn key(setting: &Setting) -> Option<&'static str> {
    setting.name.to_str().ok()?.strip_prefix("wx_token.")
}

const MAX_SECONDS: f64 = 86_400.0;

/// The shortest time limit: a fetch takes longer.
const LEAST_LIMIT: f64 = 0.001;

/// A time span of `least` seconds at least, fractions allowed.
///
/// # Errors
/// What it must be.
pub fn duration(least: f64, seconds: f64) -> Result<Duration, String> {
    if (least..=MAX_SECONDS).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("must be a number of seconds from {least} to {MAX_SECONDS}"))
    }
}

/// The endpoint called `name`.
///
/// # Errors
/// What it must be.
pub fn endpoint(name: &str) -> Result<Endpoint, String> {
    name.parse().map_err(|()| format!("must be {}", Endpoint::NAMES))
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Ok(true),
        "" | "0" | "off" | "no" | "false" => Ok(false),
        _ => Err("must be 1 or 0".to_owned()),
    }
}

fn path(text: &str) -> Result<Option<PathBuf>, String> {
    match text {
        "" => Ok(None),
        absolute if absolute.starts_with('/') => Ok(Some(absolute.into())),
        _ => Err("must be an absolute path".to_owned()),
    }
}

fn log(text: &str) -> Result<Option<Arc<Destination>>, String> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Arc::new).map(Some) }
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        // The owner reads and writes the file: every mode from 0600 on says so.
        Ok(mode @ 0o600..=0o777) => Ok(mode),
        _ => Err("must be an octal mode from 0600 to 0777".to_owned()),
    }
}

fn bases(text: &str) -> Result<Vec<ApiBase>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let refusal = |why: &str| format!("must be a list of URLs, and each {why}");
            part.parse().map_err(refusal)
        })
        .collect()
}

fn proxy(text: &str) -> Result<Option<Proxy>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    match Proxy::new(text) {
        Ok(proxy) if is_http => Ok(Some(proxy)),
        _ => Err("must be an http proxy, such as http://proxy.example:3128".to_owned()),
    }
}

/// The place of the store that a URL names; `None` if it is empty.
///
/// # Errors
/// What it must be.
pub fn store(text: &str) -> Result<Option<Place>, String> {
    match text.trim() {
        "" => Ok(None),
        url => url.parse().map(Some).map_err(|why: &str| why.to_owned()),
    }
}

fn prefix(text: &str) -> Result<String, String> {
    if text.contains(['{', '}']) || text.chars().any(char::is_control) {
        return Err("must be text without braces and control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Settings {
        fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
            let setting = SETTINGS.iter().find(|setting| key(setting) == Some(name));
            setting.ok_or("is unknown")?.set(self, text)
        }
    }

    #[test]
    fn every_default_is_taken() {
        let mut settings = Settings::default();
        for setting in &SETTINGS {
            let default = setting.default.to_str().unwrap();
            assert_eq!(setting.set(&mut settings, default), Ok(()), "{:?}", setting.name);
        }
    }

    #[test]
    fn the_newer_name_of_the_accounts_file_counts_in_whatever_order_they_are_set() {
        let mut settings = Settings::default();
        let file = |settings: &Settings| settings.accounts_file().map(Path::to_owned);
        for (name, text, counts) in [
            ("accounts", "/old", Some("/old")),
            ("accounts_file", "/new", Some("/new")),
            ("accounts", "/older", Some("/new")),
            ("accounts_file", "", Some("/older")),
            ("accounts", "", None),
        ] {
            settings.set(name, text).unwrap();
            assert_eq!(file(&settings), counts.map(PathBuf::from), "{name}={text}");
        }
    }

    #[test]
    fn the_options_of_a_call_have_the_limits_of_their_settings() {
        let mut overrides = Overrides::default();
        assert!(Overrides::names().eq(["refresh_ahead", "lock_timeout", "timeout"]));
        for name in Overrides::names() {
            assert_eq!(overrides.set(name.as_bytes(), || 1.5), Some(Ok(())), "{name}");
            let wrong = overrides.set(name.as_bytes(), || f64::NAN);
            assert_eq!(wrong, Some(Settings::default().set(name, "nan")), "{name}");
        }
        let span = Some(Duration::from_millis(1500));
        assert_eq!(overrides, Overrides { refresh_ahead: span, lock_timeout: span, timeout: span });
        assert_eq!(overrides.set(b"path_ttl", || 1.0), None);
    }

    #[test]
    fn good_values_are_taken() {
        let mut settings = Settings::default();
        for (name, text) in [
            ("appid", "wx1"),
            ("secret", "s"),
            ("accounts_file", "/etc/wx.json"),
            ("accounts", "/etc/old.json"),
            ("endpoint", "classic"),
            ("api_base", "https://api.weixin.qq.com, https://api2.weixin.qq.com"),
            ("refresh_ahead", "0"),
            ("background", "Off"),
            ("revalidate_freq", "1"),
            ("path_ttl", "0"),
            ("lock_timeout", "0"),
            ("connect_timeout", "0.5"),
            ("timeout", "8"),
            ("file_mode", "0660"),
            ("write_mode", "in_place"),
            ("log", ""),
            ("log", "/var/log/wx_token.log"),
            ("log", "syslog"),
            ("log_level", "warning"),
            ("ca_file", ""),
            ("proxy", "http://user:pass@proxy.example:3128"),
            ("store", "redis://user:pass@redis.example:6379/1"),
            ("store_password", "pass"),
            ("store_prefix", "site:"),
            ("store_key", "key"),
        ] {
            assert_eq!(settings.set(name, text), Ok(()), "{name}");
        }
        assert_eq!(settings.transport.bases.len(), 2);
        assert_eq!(settings.transport.connect_timeout, Duration::from_millis(500));
        assert_eq!(settings.file_mode, 0o660);
        assert!(!settings.background);
    }

    #[test]
    fn bad_values_are_refused_and_change_nothing() {
        let mut settings = Settings::default();
        for (name, text) in [
            ("accounts_file", "relative.json"),
            ("accounts", "relative.json"),
            ("endpoint", "Stable"),
            ("api_base", "http://api.weixin.qq.com"),
            ("refresh_ahead", "1d"),
            ("background", "2"),
            ("revalidate_freq", "soon"),
            ("path_ttl", "-1"),
            ("lock_timeout", "-1"),
            ("lock_timeout", "ten"),
            ("lock_timeout", "1e9"),
            ("lock_timeout", "nan"),
            ("timeout", "0"),
            ("connect_timeout", "0"),
            ("file_mode", "0400"),
            ("file_mode", "4755"),
            ("file_mode", "rw"),
            ("write_mode", "atomic"),
            ("log", "wx_token.log"),
            ("log_level", "debug"),
            ("proxy", "socks5://h:1"),
            ("store", "http://h:1"),
            ("store_prefix", "{site}"),
            ("unknown", "1"),
        ] {
            assert!(settings.set(name, text).is_err(), "{name}={text}");
        }
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    }

    /// Every setting that is a number, with its smallest and its largest value, and what lies just beyond them.
    const RANGES: [(&str, [&str; 2], [&str; 2]); 10] = [
        ("refresh_ahead", ["0", "86400"], ["-0.001", "86400.001"]),
        ("revalidate_freq", ["0", "86400"], ["-0.001", "86400.001"]),
        ("lock_timeout", ["0", "86400"], ["-0.001", "86400.001"]),
        ("connect_timeout", ["0.001", "86400"], ["0.0009999999", "86400.001"]),
        ("timeout", ["0.001", "86400"], ["0.0009999999", "86400.001"]),
        ("path_ttl", ["0", "86400"], ["-0.001", "86400.001"]),
        ("store_timeout", ["0.001", "86400"], ["0.0009999999", "86400.001"]),
        ("store_revalidate", ["0", "86400"], ["-0.001", "86400.001"]),
        ("store_max_age", ["0", "86400"], ["-0.001", "86400.001"]),
        ("file_mode", ["0600", "0777"], ["0577", "1000"]),
    ];

    #[test]
    fn the_range_that_a_refusal_names_is_the_range_that_is_taken() {
        let mut settings = Settings::default();
        for (name, [least, most], beyond) in RANGES {
            for taken in [least, most] {
                assert_eq!(settings.set(name, taken), Ok(()), "{name}={taken}");
            }
            for refused in beyond {
                let problem = settings.set(name, refused).unwrap_err();
                assert!(
                    problem.ends_with(&format!(" from {least} to {most}")),
                    "{name}: {problem}"
                );
            }
        }
    }
}
