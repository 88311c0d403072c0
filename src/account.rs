//! Whose token it is: appid, secret and endpoint, and where they are looked up.
//!
//! In this order: the options of the call, the accounts file, the settings, the environment.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use crate::descriptor;
use crate::error::ConfigError;
use crate::notice;
use crate::printable::{Printable, printable, printable_path};
use crate::record::{Claim, Owner};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::wechat::Endpoint;

/// An account with WeChat.
#[derive(Debug, Clone)]
pub struct Account {
    /// AppID; upper and lower case count.
    pub appid: String,
    /// AppSecret.
    pub secret: Secret,
    /// The interface that hands out its token.
    pub endpoint: Endpoint,
}

impl Account {
    /// Whose its token is.
    #[must_use]
    pub fn claim(&self) -> Claim<'_> {
        let is_corp = self.endpoint == Endpoint::Wecom;
        Claim { account: &self.appid, corpsecret: is_corp.then(|| self.secret.reveal()) }
    }
}

/// What a call says of its account. All of it may be left out.
#[derive(Clone, Copy, Default)]
pub struct AccountOptions<'a> {
    /// Which account.
    pub appid: Option<&'a str>,
    /// Its secret.
    pub secret: Option<&'a str>,
    /// Its endpoint, over all that accounts file and settings say.
    pub endpoint: Option<Endpoint>,
    /// Whether the account was named in WeCom's words, corpid and corpsecret: its secret must then go to no
    /// other host than WeCom's.
    pub is_corp: bool,
}

impl AccountOptions<'_> {
    /// Whose token the call asks for, if it says so. `default_endpoint` is that of those who name none.
    #[must_use]
    pub fn claim(&self, default_endpoint: Endpoint) -> Option<Claim<'_>> {
        let is_corp = self.is_corp || self.endpoint.unwrap_or(default_endpoint) == Endpoint::Wecom;
        Some(Claim { account: self.appid?, corpsecret: self.secret.filter(|_| is_corp) })
    }

    /// What contradicts itself in the options, if anything.
    ///
    /// # Errors
    /// The problem, as it follows the name of the argument.
    pub const fn check(&self) -> Result<(), &'static str> {
        match self {
            Self { appid: None, secret: Some(_), .. } => {
                Err("has the option \"secret\" without \"appid\"")
            }
            Self {
                is_corp: true, endpoint: Some(Endpoint::Stable | Endpoint::Classic), ..
            } => Err(
                "has the option \"corpid\" or \"corpsecret\" with another \"endpoint\" than \"wecom\"",
            ),
            _ => Ok(()),
        }
    }
}

/// Whose token a call asks for, as far as that is known without a look at the accounts file.
#[must_use]
pub fn owner(
    options: &AccountOptions<'_>,
    settings: &Settings,
    environment: Environment<'_>,
) -> Option<Owner> {
    if let Some(claim) = options.claim(settings.endpoint) {
        return Some(claim.owner());
    }
    let Default { appid, secret } = Default::of(settings, environment);
    let is_corp = options.endpoint.unwrap_or(settings.endpoint) == Endpoint::Wecom;
    let corpsecret = secret.as_ref().map(Secret::reveal).filter(|_| is_corp);
    Some(Claim { account: &appid?, corpsecret }.owner())
}

/// Reads an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Looks the account of a call up.
///
/// # Errors
/// [`ConfigError`] if there is none, or the accounts file cannot be used.
pub fn find(
    options: &AccountOptions<'_>,
    settings: &Settings,
    environment: Environment<'_>,
) -> Result<Account, ConfigError> {
    let mut account = find_anywhere(options, settings, environment)?;
    if let Some(endpoint) = options.endpoint.or(options.is_corp.then_some(Endpoint::Wecom)) {
        account.endpoint = endpoint;
    }
    Ok(account)
}

fn find_anywhere(
    options: &AccountOptions<'_>,
    settings: &Settings,
    environment: Environment<'_>,
) -> Result<Account, ConfigError> {
    let default = Default::of(settings, environment);
    if let (Some(appid), Some(secret)) = (options.appid, options.secret) {
        let (appid, secret) = (appid.to_owned(), Secret::new(secret));
        return Ok(Account { appid, secret, endpoint: settings.endpoint });
    }
    if let Some(path) = &settings.accounts {
        let named = options.appid.or(default.appid.as_deref());
        let default = if options.is_corp { Endpoint::Wecom } else { settings.endpoint };
        if let Some(account) = AccountsFile::read(path)?.find(named, default)? {
            if options.is_corp && account.endpoint != Endpoint::Wecom {
                return Err(refuse(
                    path,
                    &format!(
                        "account {}: its \"endpoint\" is \"{}\", and the option \"corpid\" means \"wecom\". Correct the file, or pass \"appid\"",
                        name(&account.appid),
                        account.endpoint.name()
                    ),
                ));
            }
            return Ok(account);
        }
    }
    match (options.appid, default) {
        (None, Default { appid: Some(appid), secret: Some(secret) }) => {
            Ok(Account { appid, secret, endpoint: settings.endpoint })
        }
        (Some(wanted), Default { appid: Some(appid), secret: Some(secret) }) if wanted == appid => {
            Ok(Account { appid, secret, endpoint: settings.endpoint })
        }
        (Some(wanted), _) => Err(ConfigError(format!(
            "no secret for appid {}: pass it as the option \"secret\", or name the account in the file of wx_token.accounts",
            name(wanted)
        ))),
        (None, Default { appid: Some(_), secret: None }) => Err(ConfigError(
            "an appid without a secret: set wx_token.secret or WX_SECRET beside it, or name the account in the file of wx_token.accounts".into(),
        )),
        (None, _) => Err(ConfigError(
            "no account: pass ['appid' => …, 'secret' => …], or set wx_token.accounts, or wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment".into(),
        )),
    }
}

/// The account of those who name none. Appid and secret belong together: both are settings, or both
/// come from the environment.
struct Default {
    appid: Option<String>,
    secret: Option<Secret>,
}

impl Default {
    fn of(settings: &Settings, environment: Environment<'_>) -> Self {
        if !settings.appid.is_empty() {
            let secret = Some(settings.secret.clone()).filter(|secret| !secret.is_empty());
            return Self { appid: Some(settings.appid.clone()), secret };
        }
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        Self { appid: variable("WX_APPID"), secret: variable("WX_SECRET").map(Secret::new) }
    }
}

/// The file of `wx_token.accounts`: a JSON object, appid → `{"secret": …, "endpoint": …}`.
struct AccountsFile<'a> {
    path: &'a Path,
    accounts: Map<String, Value>,
}

impl<'a> AccountsFile<'a> {
    fn read(path: &'a Path) -> Result<Self, ConfigError> {
        let text = read(path).map_err(|error| refuse(path, &error.to_string()))?;
        match serde_json::from_slice(&text) {
            Ok(Value::Object(accounts)) => Ok(Self { path, accounts }),
            Ok(_) => Err(refuse(path, "it is not a JSON object of appid → {secret, endpoint}")),
            // serde_json tells the place and never the content.
            Err(error) => Err(refuse(path, &error.to_string())),
        }
    }

    /// The account `named`, or the only one there is.
    fn find(
        &self,
        named: Option<&str>,
        default_endpoint: Endpoint,
    ) -> Result<Option<Account>, ConfigError> {
        let entry = match named {
            Some(appid) => self.accounts.get_key_value(appid),
            None if self.accounts.len() == 1 => self.accounts.iter().next(),
            None => None,
        };
        let Some((appid, entry)) = entry else { return Ok(None) };
        let refuse = |why: &str| refuse(self.path, &format!("account {}: {why}", name(appid)));
        let secret = match entry.get("secret") {
            Some(Value::String(secret)) if !secret.is_empty() => Secret::new(secret),
            _ => return Err(refuse("\"secret\" is missing or not a string")),
        };
        let endpoint = match entry.get("endpoint") {
            None | Some(Value::Null) => default_endpoint,
            Some(name) => name
                .as_str()
                .and_then(|name| name.parse().ok())
                .ok_or_else(|| refuse(&format!("\"endpoint\" must be {}", Endpoint::NAMES)))?,
        };
        Ok(Some(Account { appid: appid.clone(), secret, endpoint }))
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = descriptor::file(path, OpenOptions::new().read(true))?;
    let mode = file.metadata()?.permissions().mode();
    if let Some(warning) = exposure(path, mode)
        && !IS_WARNED.swap(true, Ordering::Relaxed)
    {
        notice::leave(warning);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// What is wrong with the `mode` of an accounts file, if anything.
fn exposure(path: &Path, mode: u32) -> Option<String> {
    const READ_BY_OTHERS: u32 = 0o004;
    (mode & READ_BY_OTHERS != 0).then(|| {
        format!(
            "wx_token.accounts: {} can be read by every user of this machine (mode {:04o}); chmod 0640 it and give it the group of the web server",
            printable_path(path),
            mode & 0o7777
        )
    })
}

/// Whether this process has left its one notice about the accounts file.
static IS_WARNED: AtomicBool = AtomicBool::new(false);

fn refuse(path: &Path, why: &str) -> ConfigError {
    ConfigError(format!("wx_token.accounts: cannot use {}: {why}", printable_path(path)))
}

/// An AppID as a message holds it. WeChat's have 18 characters.
fn name(appid: &str) -> Printable<'_> {
    printable(appid).at_most(64)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    fn accounts(text: &str) -> io::Result<(NamedTempFile, Settings)> {
        let mut file = NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        let settings = Settings { accounts: Some(file.path().to_owned()), ..Settings::default() };
        Ok((file, settings))
    }

    fn appid(appid: &str) -> AccountOptions<'_> {
        AccountOptions { appid: Some(appid), ..AccountOptions::default() }
    }

    fn found(
        options: &AccountOptions<'_>,
        settings: &Settings,
    ) -> Result<(String, String), String> {
        let environment = |name: &str| match name {
            "WX_APPID" => Some("env".to_owned()),
            "WX_SECRET" => Some("env-secret".to_owned()),
            _ => None,
        };
        find(options, settings, &environment)
            .map(|account| (account.appid, account.secret.reveal().to_owned()))
            .map_err(|error| error.to_string())
    }

    fn pair(appid: &str, secret: &str) -> Result<(String, String), String> {
        Ok((appid.into(), secret.into()))
    }

    #[test]
    fn options_come_first_then_the_accounts_file_then_settings_then_the_environment()
    -> io::Result<()> {
        let (_file, mut settings) =
            accounts(r#"{"wx1": {"secret": "s1"}, "wx2": {"secret": "s2"}}"#)?;
        let both = AccountOptions { secret: Some("own"), ..appid("wx1") };
        assert_eq!(found(&both, &settings), pair("wx1", "own"));
        assert_eq!(found(&appid("wx2"), &settings), pair("wx2", "s2"));
        assert_eq!(found(&appid("env"), &settings), pair("env", "env-secret"));
        assert_eq!(found(&AccountOptions::default(), &settings), pair("env", "env-secret"));
        settings.appid = "wx2".into();
        assert_eq!(found(&AccountOptions::default(), &settings), pair("wx2", "s2"));
        settings.appid = "set".into();
        settings.secret = Secret::new("set-secret");
        assert_eq!(found(&AccountOptions::default(), &settings), pair("set", "set-secret"));
        Ok(())
    }

    #[test]
    fn the_only_account_of_the_file_needs_no_name() -> io::Result<()> {
        let (_file, settings) = accounts(r#"{"wx1": {"secret": "s1", "endpoint": "classic"}}"#)?;
        let account = find(&AccountOptions::default(), &settings, &|_| None);
        assert!(account.is_ok_and(|account| account.endpoint == Endpoint::Classic));
        Ok(())
    }

    #[test]
    fn the_endpoint_of_the_call_outranks_the_file() -> io::Result<()> {
        let (_file, settings) = accounts(r#"{"wx1": {"secret": "s1", "endpoint": "classic"}}"#)?;
        let options = AccountOptions { endpoint: Some(Endpoint::Stable), ..appid("wx1") };
        let account = find(&options, &settings, &|_| None);
        assert!(account.is_ok_and(|account| account.endpoint == Endpoint::Stable));
        Ok(())
    }

    #[test]
    fn a_corpid_is_an_account_of_wecom_wherever_its_secret_stands() -> io::Result<()> {
        let corp = |secret| AccountOptions { secret, is_corp: true, ..appid("ww1") };
        let endpoint = |options: &AccountOptions<'_>, settings: &Settings| {
            find(options, settings, &|_| None)
                .map(|account| account.endpoint)
                .map_err(|error| error.to_string())
        };
        let classic = Settings { endpoint: Endpoint::Classic, ..Settings::default() };
        assert_eq!(endpoint(&corp(Some("own")), &classic), Ok(Endpoint::Wecom));
        let secret = AccountOptions { secret: Some("own"), ..appid("ww1") };
        assert_eq!(endpoint(&secret, &classic), Ok(Endpoint::Classic));
        let (_file, settings) = accounts(r#"{"ww1": {"secret": "s1"}}"#)?;
        assert_eq!(endpoint(&corp(None), &settings), Ok(Endpoint::Wecom));
        let (_file, settings) = accounts(r#"{"ww1": {"secret": "s1", "endpoint": "classic"}}"#)?;
        let refused = endpoint(&corp(None), &settings);
        assert!(refused.is_err_and(|error| error.contains("its \"endpoint\" is \"classic\"")));
        Ok(())
    }

    #[test]
    fn a_file_that_every_user_can_read_is_warned_of() {
        let exposed = |mode| exposure(Path::new("/etc/wx\n.json"), mode);
        for mode in [0o100_600, 0o100_640, 0o100_660, 0o100_622] {
            assert_eq!(exposed(mode), None, "{mode:o}");
        }
        let warning = "wx_token.accounts: /etc/wx\\n.json can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server";
        assert_eq!(exposed(0o100_644).as_deref(), Some(warning));
    }

    #[test]
    fn what_is_missing_is_named() -> io::Result<()> {
        let error = |options: &AccountOptions<'_>, settings: &Settings| {
            find(options, settings, &|_| None)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        let none = Settings::default();
        assert!(error(&AccountOptions::default(), &none).starts_with("no account: pass"));
        assert!(error(&appid("wx9"), &none).starts_with("no secret for appid wx9"));
        let half = Settings { appid: "wx1".into(), ..Settings::default() };
        assert!(error(&AccountOptions::default(), &half).starts_with("an appid without a secret"));
        for (text, expected) in [
            ("{", "line 1"),
            ("[]", "not a JSON object"),
            (r#"{"wx1": {}}"#, "account wx1: \"secret\" is missing"),
            (r#"{"wx1": {"secret": "s", "endpoint": "x"}}"#, "\"endpoint\" must be"),
        ] {
            let (_file, settings) = accounts(text)?;
            let message = error(&appid("wx1"), &settings);
            assert!(message.contains(expected), "{message}");
        }
        Ok(())
    }
}
