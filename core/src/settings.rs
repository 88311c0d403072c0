//! The settings `wx_token.*` as values: what each means, its default, and what may be set.

use std::path::PathBuf;
use std::time::Duration;

use ureq::Proxy;

use crate::endpoint::{ApiBase, Endpoint};
use crate::secret::Secret;
use crate::token_file::replace::WriteMode;
use crate::wechat::Transport;

/// Every setting, with the value that it has now.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The default account's AppID; empty for none.
    pub appid: String,
    /// The default account's AppSecret.
    pub secret: Secret,
    /// The accounts file.
    pub accounts: Option<PathBuf>,
    /// The default endpoint.
    pub endpoint: Endpoint,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Duration,
    /// Whether a due refresh runs on a thread.
    pub background: bool,
    /// How long the memory of a file is trusted without a look at the file.
    pub revalidate_freq: Duration,
    /// How many files a process remembers.
    pub max_files: usize,
    /// Longest wait for the lock.
    pub lock_timeout: Duration,
    /// Permission bits of a token file that is made.
    pub file_mode: u32,
    /// How a token file is written.
    pub write_mode: WriteMode,
    /// How WeChat is reached.
    pub transport: Transport,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            appid: String::new(),
            secret: Secret::default(),
            accounts: None,
            endpoint: Endpoint::default(),
            refresh_ahead: Duration::from_secs(300),
            background: true,
            revalidate_freq: Duration::ZERO,
            max_files: 10_000,
            lock_timeout: Duration::from_secs(10),
            file_mode: 0o600,
            write_mode: WriteMode::default(),
            transport: Transport {
                bases: Vec::new(),
                connect_timeout: Duration::from_secs(3),
                timeout: Duration::from_secs(8),
                ca_file: None,
                proxy: None,
            },
        }
    }
}

/// The longest time that a setting takes, in seconds.
const MAX_SECONDS: f64 = 86_400.0;

/// The shortest time limit: a fetch cannot be made in less.
const MIN_POSITIVE_SECONDS: f64 = 0.001;

impl Settings {
    /// Gives the setting `name` (without its prefix) the value that `text` spells.
    ///
    /// # Errors
    /// What the value must be. A refused value changes nothing, and is not part of the message.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        match name {
            "appid" => self.appid = text.to_owned(),
            "secret" => self.secret = Secret::new(text),
            "accounts" => self.accounts = path(text)?,
            "endpoint" => {
                let refused = |()| format!("must be {}", Endpoint::NAMES);
                self.endpoint = text.parse().map_err(refused)?;
            }
            "api_base" => self.transport.bases = bases(text)?,
            "refresh_ahead" => self.refresh_ahead = seconds(text)?,
            "background" => self.background = switch(text)?,
            "revalidate_freq" => self.revalidate_freq = seconds(text)?,
            "max_files" => self.max_files = number(text)?,
            "lock_timeout" => self.lock_timeout = seconds(text)?,
            "connect_timeout" => self.transport.connect_timeout = some_seconds(text)?,
            "timeout" => self.transport.timeout = some_seconds(text)?,
            "file_mode" => self.file_mode = mode(text)?,
            "write_mode" => self.write_mode = text.parse()?,
            "ca_file" => self.transport.ca_file = path(text)?,
            "proxy" => self.transport.proxy = proxy(text)?,
            _ => return Err("is not a setting of wx_token".to_owned()),
        }
        Ok(())
    }
}

/// A time span in seconds, fractions allowed.
///
/// # Errors
/// What it must be.
pub fn duration(seconds: f64) -> Result<Duration, String> {
    duration_from(0.0, seconds)
}

/// As [`duration`], for what must not be zero.
///
/// # Errors
/// What it must be.
pub fn positive_duration(seconds: f64) -> Result<Duration, String> {
    duration_from(MIN_POSITIVE_SECONDS, seconds)
}

fn duration_from(least: f64, seconds: f64) -> Result<Duration, String> {
    if (least..=MAX_SECONDS).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("must be a number of seconds from {least} to {MAX_SECONDS}"))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    duration(text.trim().parse().unwrap_or(f64::NAN))
}

fn some_seconds(text: &str) -> Result<Duration, String> {
    positive_duration(text.trim().parse().unwrap_or(f64::NAN))
}

fn number(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| format!("must be an integer from 0 to {}", usize::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_values_are_taken() {
        let mut settings = Settings::default();
        for (name, text) in [
            ("appid", "wx1"),
            ("secret", "s"),
            ("accounts", "/etc/wx.json"),
            ("endpoint", "classic"),
            ("api_base", "https://api.weixin.qq.com, https://api2.weixin.qq.com"),
            ("refresh_ahead", "0"),
            ("background", "Off"),
            ("revalidate_freq", "1"),
            ("max_files", "0"),
            ("lock_timeout", "0"),
            ("connect_timeout", "0.5"),
            ("timeout", "8"),
            ("file_mode", "0660"),
            ("write_mode", "in_place"),
            ("ca_file", ""),
            ("proxy", "http://user:pass@proxy.example:3128"),
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
            ("accounts", "relative.json"),
            ("endpoint", "Stable"),
            ("api_base", "http://api.weixin.qq.com"),
            ("refresh_ahead", "1d"),
            ("background", "2"),
            ("revalidate_freq", "soon"),
            ("max_files", "-1"),
            ("max_files", "1e4"),
            ("max_files", "18446744073709551616"),
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
            ("proxy", "socks5://h:1"),
            ("unknown", "1"),
        ] {
            assert!(settings.set(name, text).is_err(), "{name}={text}");
        }
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    }

    /// Every setting that is a number, with its smallest and its largest value, and what lies just beyond them.
    const RANGES: [(&str, [&str; 2], [&str; 2]); 7] = [
        ("refresh_ahead", ["0", "86400"], ["-0.001", "86400.001"]),
        ("revalidate_freq", ["0", "86400"], ["-0.001", "86400.001"]),
        ("lock_timeout", ["0", "86400"], ["-0.001", "86400.001"]),
        ("connect_timeout", ["0.001", "86400"], ["0.0009999999", "86400.001"]),
        ("timeout", ["0.001", "86400"], ["0.0009999999", "86400.001"]),
        ("max_files", ["0", "18446744073709551615"], ["-1", "18446744073709551616"]),
        ("file_mode", ["0600", "0777"], ["0577", "1000"]),
    ];

    #[test]
    #[cfg(target_pointer_width = "64")]
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
