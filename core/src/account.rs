//! Whose token it is: appid, secret and endpoint, and where they are looked up.
//!
//! In this order: the options of the call, the accounts file, the settings, the environment. Appid and
//! secret belong together: only `wx_token.appid` takes its secret from another place, `WX_SECRET`.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::descriptor;
use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::notice;
use crate::printable::{Printable, printable, printable_path};
use crate::record::{AccountClaim, TokenOwner};
use crate::secret::{Credentials, Secret};
use crate::settings::Settings;
use crate::token_file::{FileError, SystemError};

#[derive(Debug, Clone)]
pub struct Account {
    pub credentials: Credentials,
    pub endpoint: Endpoint,
}

impl Account {
    fn new(id: &str, secret: Secret, endpoint: Endpoint) -> Self {
        Self { credentials: Credentials { id: id.to_owned(), secret }, endpoint }
    }

    pub fn claim(&self) -> AccountClaim<'_> {
        let Credentials { id, secret } = &self.credentials;
        AccountClaim::new(id, Some(secret.reveal()), self.endpoint)
    }
}

/// What a call says of its account. All of it may be left out.
#[derive(Clone, Copy, Default)]
pub struct AccountOptions<'a> {
    pub appid: Option<&'a str>,
    pub secret: Option<&'a str>,
    /// Its endpoint, which overrides accounts file and settings.
    pub endpoint: Option<Endpoint>,
    /// Whether the account was named in WeCom's words, corpid and corpsecret: its secret must then go to no
    /// other host than WeCom's.
    pub is_corp: bool,
}

impl AccountOptions<'_> {
    fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.or(self.is_corp.then_some(Endpoint::Wecom))
    }

    /// Whose token the call asks for, if it says so. `default_endpoint` is that of calls that name none.
    pub fn claim(&self, default_endpoint: Endpoint) -> Option<AccountClaim<'_>> {
        let endpoint = self.endpoint().unwrap_or(default_endpoint);
        Some(AccountClaim::new(self.appid?, self.secret, endpoint))
    }

    /// Whether the options contradict themselves: the problem, as it follows the name of the argument.
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

/// Whose token a call asks for, as far as that is known without reading the accounts file, and without the
/// secret that a fetch needs.
pub fn owner(
    options: &AccountOptions<'_>,
    settings: &Settings,
    environment: Environment<'_>,
) -> Option<TokenOwner> {
    if let Some(claim) = options.claim(settings.endpoint) {
        return Some(claim.owner());
    }
    let defaults = Defaults::new(settings, environment);
    let account = defaults.appid()?;
    let endpoint = options.endpoint().unwrap_or(settings.endpoint);
    // The accounts file may have another one.
    let secret = defaults.secret_of(account).filter(|_| settings.accounts_file().is_none());
    Some(AccountClaim::new(account, secret.map(Secret::reveal), endpoint).owner())
}

pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

pub fn find(
    options: &AccountOptions<'_>,
    settings: &Settings,
    environment: Environment<'_>,
) -> Result<Account, ConfigError> {
    let endpoint = options.endpoint().unwrap_or(settings.endpoint);
    if let (Some(appid), Some(secret)) = (options.appid, options.secret) {
        return Ok(Account::new(appid, Secret::new(secret), endpoint));
    }
    let defaults = Defaults::new(settings, environment);
    let named = options.appid.or_else(|| defaults.appid());
    let file = settings.accounts_file().map(AccountsFile::read).transpose()?;
    if let Some(file) = &file
        && let Some(account) = file.find(named, options, settings.endpoint)?
    {
        return Ok(account);
    }
    let Some(appid) = named else { return Err(defaults.no_appid(file.as_ref())) };
    match defaults.secret_of(appid) {
        Some(secret) => Ok(Account::new(appid, secret.clone(), endpoint)),
        // Other servers fetch, and seal with a key that this one has.
        None if settings.store.has_key() => Ok(Account::new(appid, Secret::default(), endpoint)),
        None => Err(defaults.no_secret(appid, file.as_ref())),
    }
}

/// An AppID and a secret of one place, either of which may be missing there.
struct Pair {
    appid: Option<String>,
    secret: Option<Secret>,
}

struct Defaults {
    set: Pair,
    environment: Pair,
}

impl Defaults {
    fn new(settings: &Settings, environment: Environment<'_>) -> Self {
        let variable = |name| environment(name).filter(|value| !value.is_empty());
        Self {
            set: Pair {
                appid: Some(settings.appid.clone()).filter(|appid| !appid.is_empty()),
                secret: Some(settings.secret.clone()).filter(|secret| !secret.reveal().is_empty()),
            },
            environment: Pair {
                appid: variable("WX_APPID"),
                secret: variable("WX_SECRET").map(Secret::new),
            },
        }
    }

    /// The account of those who name none.
    fn appid(&self) -> Option<&str> {
        self.set.appid.as_deref().or(self.environment.appid.as_deref())
    }

    /// The secret of `appid`: that of its own place. `WX_SECRET` serves `wx_token.appid` too, unless it stands
    /// beside another appid.
    fn secret_of(&self, appid: &str) -> Option<&Secret> {
        let is_set = self.set.appid.as_deref() == Some(appid);
        let is_in_environment = match &self.environment.appid {
            Some(other) => other == appid,
            None => is_set,
        };
        let set = self.set.secret.as_ref().filter(|_| is_set);
        set.or(self.environment.secret.as_ref().filter(|_| is_in_environment))
    }

    /// Why [`Self::secret_of`] has none for `appid`, which `file` does not have either.
    fn no_secret(&self, appid: &str, file: Option<&AccountsFile<'_>>) -> ConfigError {
        let missing_in = file.map_or_else(String::new, |file| {
            format!(", and the accounts file {} does not contain it", printable_path(file.path))
        });
        let unused = match (&self.set, &self.environment) {
            (Pair { appid: None, secret: Some(_) }, _) => {
                "; wx_token.secret counts only beside wx_token.appid"
            }
            (_, Pair { appid: None, secret: Some(_) }) => {
                "; WX_SECRET counts only beside WX_APPID or wx_token.appid"
            }
            _ => "",
        };
        let appid_name = printable_appid(appid);
        ConfigError(match (&self.set, &self.environment) {
            (Pair { appid: Some(set), .. }, Pair { appid: Some(other), secret: Some(_) })
                if set == appid =>
            {
                format!(
                    "wx_token.appid is {appid_name} without wx_token.secret, and WX_SECRET belongs to another account, since WX_APPID is {}{missing_in}. Set wx_token.secret, or make WX_APPID the same as wx_token.appid",
                    printable_appid(other)
                )
            }
            (Pair { appid: Some(set), .. }, _) if set == appid => format!(
                "wx_token.appid is {appid_name}, but neither wx_token.secret nor WX_SECRET is set{missing_in}. Set wx_token.secret"
            ),
            (_, Pair { appid: Some(variable), .. }) if variable == appid => {
                format!(
                    "WX_APPID is {appid_name}, but WX_SECRET is not set{missing_in}{unused}. Set WX_SECRET in the same place as WX_APPID"
                )
            }
            _ => {
                let remedy = match file {
                    Some(file) => format!("add the account to {}", printable_path(file.path)),
                    None => format!("add the account to a file and set {SETTING} to its path"),
                };
                format!(
                    "no secret for appid {appid_name} (case-sensitive){missing_in}{unused}. Pass the option \"secret\", or {remedy}"
                )
            }
        })
    }

    /// Why there is no appid, and no account in `file` that needs no name.
    fn no_appid(&self, file: Option<&AccountsFile<'_>>) -> ConfigError {
        ConfigError(match (file, &self.set.secret, &self.environment.secret) {
            (Some(file), ..) if !file.accounts.is_empty() => format!(
                "the accounts file {} has {} accounts ({}), and none is selected. Set wx_token.appid, or pass the option \"appid\"",
                printable_path(file.path),
                file.accounts.len(),
                file.some_names()
            ),
            (_, Some(_), _) => "wx_token.secret is set, but wx_token.appid is not. Set wx_token.appid".into(),
            (_, _, Some(_)) => "WX_SECRET is set, but neither WX_APPID nor wx_token.appid is. Set WX_APPID in the same place as WX_SECRET".into(),
            (Some(file), ..) => format!(
                "the accounts file {} has no account. Add one: {ACCOUNTS_FORMAT}",
                printable_path(file.path)
            ),
            _ => "no WeChat account is configured. Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]".into(),
        })
    }
}

const SETTING: &str = "wx_token.accounts_file";

const ACCOUNTS_FORMAT: &str = r#"{"wx…": {"secret": "…"}}"#;

/// The file of `wx_token.accounts_file`: a JSON object, appid → `{"secret": …, "endpoint": …}`.
struct AccountsFile<'a> {
    path: &'a Path,
    accounts: Map<String, Value>,
}

impl<'a> AccountsFile<'a> {
    fn read(path: &'a Path) -> Result<Self, ConfigError> {
        let text = read(path).map_err(|error| {
            ConfigError(format!("{SETTING}: {}", FileError::from_io(path, "read", error)))
        })?;
        let problem = match serde_json::from_slice(&text) {
            Ok(Value::Object(accounts)) => return Ok(Self { path, accounts }),
            Ok(_) => format!("it must be a JSON object such as {ACCOUNTS_FORMAT}"),
            // serde_json tells the place and never the content.
            Err(error) => format!("it is not valid JSON: {error}. Correct the file"),
        };
        Err(unusable(path, &problem))
    }

    /// The account `named`, or the only one there is, with the endpoint of the call, of the file, or the
    /// `default_endpoint`.
    fn find(
        &self,
        named: Option<&str>,
        options: &AccountOptions<'_>,
        default_endpoint: Endpoint,
    ) -> Result<Option<Account>, ConfigError> {
        let entry = match named {
            Some(appid) => self.accounts.get_key_value(appid),
            None if self.accounts.len() == 1 => self.accounts.iter().next(),
            None => None,
        };
        let Some((appid, entry)) = entry else { return Ok(None) };
        let unusable =
            |why: &str| unusable(self.path, &format!("account {}: {why}", printable_appid(appid)));
        let secret = match entry.get("secret") {
            Some(Value::String(secret)) if !secret.is_empty() => Secret::new(secret),
            _ => return Err(unusable("\"secret\" is missing or not a string")),
        };
        let own_endpoint = entry.get("endpoint").filter(|name| !name.is_null()).map(|name| {
            let known: Option<Endpoint> = name.as_str().and_then(|name| name.parse().ok());
            known.ok_or_else(|| unusable(&format!("\"endpoint\" must be {}", Endpoint::NAMES)))
        });
        let own_endpoint = own_endpoint.transpose()?;
        if let Some(other) = own_endpoint.filter(|own| options.is_corp && *own != Endpoint::Wecom) {
            return Err(unusable(&format!(
                "its \"endpoint\" is \"{}\", and the option \"corpid\" means \"wecom\". Correct the file, or pass \"appid\"",
                other.name()
            )));
        }
        let endpoint = options.endpoint().or(own_endpoint).unwrap_or(default_endpoint);
        Ok(Some(Account::new(appid, secret, endpoint)))
    }

    /// The first of its accounts, to tell which file it is. An appid is no secret.
    fn some_names(&self) -> String {
        const MOST: usize = 3;
        let names = self.accounts.keys().take(MOST).map(|appid| printable_appid(appid).to_string());
        let rest = if self.accounts.len() > MOST { ", …" } else { "" };
        names.collect::<Vec<_>>().join(", ") + rest
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SystemError> {
    let opened = descriptor::file(path, OpenOptions::new().read(true));
    let mut file = opened.map_err(|error| SystemError::in_call("openat(2)", error))?;
    let metadata = file.metadata().map_err(|error| SystemError::in_call("fstat(2)", error))?;
    if let Some(warning) = exposure(path, metadata.permissions().mode()) {
        notice::leave_once(warning);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| SystemError::in_call("read(2)", error))?;
    Ok(text)
}

/// What is wrong with the `mode` of an accounts file, if anything.
fn exposure(path: &Path, mode: u32) -> Option<String> {
    const READ_BY_OTHERS: u32 = 0o004;
    (mode & READ_BY_OTHERS != 0).then(|| {
        format!(
            "{SETTING}: {} can be read by every user of this machine (mode {:04o}); chmod 0640 it and give it the group of the web server",
            printable_path(path),
            mode & 0o7777
        )
    })
}

fn unusable(path: &Path, why: &str) -> ConfigError {
    ConfigError(format!("{SETTING}: cannot use {}: {why}", printable_path(path)))
}

/// An AppID as a message contains it. WeChat's have 18 characters.
fn printable_appid(appid: &str) -> Printable<'_> {
    printable(appid).at_most(64)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

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
            .map(|account| account.credentials)
            .map(|Credentials { id, secret }| (id, secret.reveal().to_owned()))
            .map_err(|error| error.to_string())
    }

    fn pair(appid: &str, secret: &str) -> Result<(String, String), String> {
        Ok((appid.into(), secret.into()))
    }

    #[test]
    fn without_a_secret_an_account_can_read_what_is_sealed_with_a_key() {
        let mut settings = Settings { appid: "wx1".into(), ..Settings::default() };
        let find = |settings: &Settings| {
            find(&AccountOptions::default(), settings, &|_| None)
                .map(|account| account.credentials.secret.reveal().to_owned())
        };
        settings.store.key = Secret::new("key");
        assert!(find(&settings).is_err(), "there is no store");
        settings.store.place = "redis://redis.example".parse().ok();
        assert_eq!(find(&settings).unwrap(), "");
        settings.store.key = Secret::default();
        assert!(find(&settings).is_err());
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
    fn an_error_is_that_of_the_system_call_which_failed() {
        for (path, call) in [("/nonexistent", "openat(2)"), ("/proc/self", "read(2)")] {
            let error = read(Path::new(path)).map_err(|error| format!("{error:?}"));
            assert!(error.is_err_and(|error| error.contains(call)), "{path}");
        }
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
    fn whose_token_is_asked_for_is_known_as_far_as_the_accounts_file_leaves_no_doubt()
    -> io::Result<()> {
        let owner =
            |options: &AccountOptions<'_>, settings: &Settings| owner(options, settings, &|_| None);
        let corp = |secret| AccountClaim::new("ww1", secret, Endpoint::Wecom).owner();
        let mut settings = Settings {
            appid: "ww1".into(),
            secret: Secret::new("set"),
            endpoint: Endpoint::Wecom,
            ..Settings::default()
        };
        let none = AccountOptions::default();
        assert_eq!(owner(&none, &settings), Some(corp(Some("set"))));
        assert_eq!(owner(&appid("ww1"), &settings), Some(corp(None)));
        let (_file, with_file) = accounts(r#"{"ww1": {"secret": "another"}}"#)?;
        settings.accounts = with_file.accounts;
        assert_eq!(owner(&none, &settings), Some(corp(None)));
        assert_eq!(owner(&none, &Settings::default()), None);
        Ok(())
    }

    #[test]
    fn a_file_that_every_user_can_read_is_warned_of() {
        let exposed = |mode| exposure(Path::new("/etc/wx\n.json"), mode);
        for mode in [0o100_600, 0o100_640, 0o100_660, 0o100_622] {
            assert_eq!(exposed(mode), None, "{mode:o}");
        }
        let warning = "wx_token.accounts_file: /etc/wx\\n.json can be read by every user of this machine (mode 0644); chmod 0640 it and give it the group of the web server";
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
        assert!(error(&AccountOptions::default(), &none).starts_with("no WeChat account"));
        assert!(error(&appid("wx9"), &none).starts_with("no secret for appid wx9"));
        for (text, spec) in [
            ("{", "it is not valid JSON: EOF while parsing an object at line 1 column 1"),
            ("[]", r#"it must be a JSON object such as {"wx…": {"secret": "…"}}"#),
            (r#"{"wx1": {}}"#, "account wx1: \"secret\" is missing"),
            (r#"{"wx1": {"secret": "s", "endpoint": "x"}}"#, "\"endpoint\" must be"),
        ] {
            let (_file, settings) = accounts(text)?;
            let message = error(&appid("wx1"), &settings);
            assert!(message.contains(spec), "{message}");
        }
        let nowhere = tempfile::tempdir()?.path().join("accounts.json");
        let settings = Settings { accounts: Some(nowhere.clone()), ..Settings::default() };
        let (path, directory) = (nowhere.display(), nowhere.parent().unwrap().display());
        assert_eq!(
            error(&appid("wx1"), &settings),
            format!(
                "wx_token.accounts_file: cannot read {path}: the directory {directory} does not exist. Create it, or pass another path"
            )
        );
        Ok(())
    }

    /// Half an account at every place, and what is said of it: a message that names a place, a remedy that
    /// helps. `appid` and `secret` are the settings, the others the environment.
    #[test]
    fn half_an_account_is_named_with_the_place_where_it_was_found() -> io::Result<()> {
        let none = AccountOptions::default;
        let (two, four, empty) = (
            r#"{"wx1": {"secret": "s1"}, "wx2": {"secret": "s2"}}"#,
            r#"{"wx1": {}, "wx2": {}, "wx3": {}, "wx4": {}}"#,
            "{}",
        );
        let half = |file: &str, options: AccountOptions<'_>, given: [&str; 4]| {
            let [appid, secret, wx_appid, wx_secret] = given;
            let (held, mut settings) = accounts(file)?;
            if file.is_empty() {
                settings.accounts = None;
            }
            settings.appid = appid.into();
            settings.secret = Secret::new(secret);
            let environment =
                |name: &str| Some(if name == "WX_APPID" { wx_appid } else { wx_secret }.to_owned());
            let found = find(&options, &settings, &environment).map_err(|error| error.to_string());
            let path = held.path().display().to_string();
            Ok::<_, io::Error>(match found {
                Ok(Account { credentials: Credentials { id, secret }, .. }) => {
                    format!("{id} {}", secret.reveal())
                }
                Err(problem) => problem.replace(&path, "FILE"),
            })
        };
        for (file, options, given, spec) in [
            (
                "",
                none(),
                ["wx1", "", "", ""],
                "wx_token.appid is wx1, but neither wx_token.secret nor WX_SECRET is set. Set wx_token.secret",
            ),
            (
                two,
                none(),
                ["wx9", "", "", ""],
                "wx_token.appid is wx9, but neither wx_token.secret nor WX_SECRET is set, and the accounts file FILE does not contain it. Set wx_token.secret",
            ),
            ("", none(), ["wx1", "", "", "own"], "wx1 own"),
            ("", none(), ["wx1", "", "wx1", "own"], "wx1 own"),
            ("", none(), ["wx1", "set", "wx2", "other"], "wx1 set"),
            (
                "",
                none(),
                ["wx1", "", "wx2", "other"],
                "wx_token.appid is wx1 without wx_token.secret, and WX_SECRET belongs to another account, since WX_APPID is wx2. Set wx_token.secret, or make WX_APPID the same as wx_token.appid",
            ),
            ("", appid("wx2"), ["wx1", "", "wx2", "other"], "wx2 other"),
            (
                "",
                none(),
                ["", "", "wx2", ""],
                "WX_APPID is wx2, but WX_SECRET is not set. Set WX_SECRET in the same place as WX_APPID",
            ),
            (
                "",
                none(),
                ["", "set", "wx2", ""],
                "WX_APPID is wx2, but WX_SECRET is not set; wx_token.secret counts only beside wx_token.appid. Set WX_SECRET in the same place as WX_APPID",
            ),
            (
                two,
                none(),
                ["", "", "wx9", ""],
                "WX_APPID is wx9, but WX_SECRET is not set, and the accounts file FILE does not contain it. Set WX_SECRET in the same place as WX_APPID",
            ),
            (two, none(), ["", "", "wx2", ""], "wx2 s2"),
            (
                "",
                none(),
                ["", "set", "", ""],
                "wx_token.secret is set, but wx_token.appid is not. Set wx_token.appid",
            ),
            (
                "",
                none(),
                ["", "", "", "own"],
                "WX_SECRET is set, but neither WX_APPID nor wx_token.appid is. Set WX_APPID in the same place as WX_SECRET",
            ),
            (
                "",
                appid("wx1"),
                ["", "", "", "own"],
                "no secret for appid wx1 (case-sensitive); WX_SECRET counts only beside WX_APPID or wx_token.appid. Pass the option \"secret\", or add the account to a file and set wx_token.accounts_file to its path",
            ),
            (
                "",
                appid("wx1"),
                ["", "set", "", ""],
                "no secret for appid wx1 (case-sensitive); wx_token.secret counts only beside wx_token.appid. Pass the option \"secret\", or add the account to a file and set wx_token.accounts_file to its path",
            ),
            (
                two,
                appid("wx9"),
                ["wx1", "set", "wx2", "other"],
                "no secret for appid wx9 (case-sensitive), and the accounts file FILE does not contain it. Pass the option \"secret\", or add the account to FILE",
            ),
            (
                two,
                none(),
                [""; 4],
                "the accounts file FILE has 2 accounts (wx1, wx2), and none is selected. Set wx_token.appid, or pass the option \"appid\"",
            ),
            (
                four,
                none(),
                ["", "", "", "own"],
                "the accounts file FILE has 4 accounts (wx1, wx2, wx3, …), and none is selected. Set wx_token.appid, or pass the option \"appid\"",
            ),
            (
                empty,
                none(),
                [""; 4],
                r#"the accounts file FILE has no account. Add one: {"wx…": {"secret": "…"}}"#,
            ),
            (
                "",
                none(),
                [""; 4],
                "no WeChat account is configured. Set wx_token.appid and wx_token.secret, or WX_APPID and WX_SECRET in the environment (php-fpm: env[WX_APPID] in the pool, or fastcgi_param), or pass ['appid' => …, 'secret' => …]",
            ),
        ] {
            assert_eq!(half(file, options, given)?, spec, "{given:?}");
        }
        Ok(())
    }
}
