//! A JSON object with a token and an expiry, perhaps behind a guard.

use serde_json::Value;

use super::found::Found;
use super::json;
use super::keyed::{Keyed, Number, Syntax};
use super::layout::{
    EXPIRES_TIME, Expiry, LARGEST_TIME, LEAST_TIME, Layout, Meaning, STARTS, UNAMBIGUOUS,
    is_duration, looks_like_duration,
};
use super::members::Members;
use super::refresh_state::{RefreshState, STATE};
use super::refusal::{Refusal, looks_like_date, looks_like_token, shape, shown};
use super::spec::{CredentialKind, FileSpec};
use crate::clock::Timestamp;
use crate::record::Record;
use crate::token::is_token;

const TOKEN_EXPIRES: &str = "token";

/// The keys of WeChat's error.
const ERROR: [&str; 5] = ["errcode", "errmsg", "rid", "msgid", "hint"];

/// The longest JSON text of what WeChat's console calls a token: a word of 32 characters, with which it signs its messages.
const LONGEST_WORD: usize = 34;

/// A new file of `layout`, which is one of JSON, behind `prefix`.
pub(super) fn new(kind: CredentialKind, layout: Layout, prefix: String) -> Keyed {
    let (expiry, token_key) = match layout {
        Layout::Json { expiry, .. } => (expiry, kind.key()),
        _ if kind == CredentialKind::AccessToken => (Expiry::EXPIRES, TOKEN_EXPIRES),
        _ => (Expiry::EXPIRES, kind.key()),
    };
    let mut expiries = vec![expiry];
    if let Meaning::Lifetime { start: Some(key) } = expiry.meaning {
        expiries = vec![Expiry::EXPIRES_IN, Expiry { key, meaning: Meaning::Start }];
    }
    let number = |expiry| Number { expiry, value: None, is_text: false };
    let numbers = expiries.into_iter().map(number).collect();
    let (text, members) = ("{}".to_owned(), Members::new("{".len()));
    Keyed { syntax: Syntax::Json, prefix, text, members, token_key, numbers }
}

/// Reads `text`, which follows `prefix`. Without an expiry it gets that of `new`. `records` are what this extension
/// noted of tokens in the file. Of a torn text, what is whole stays, but not the token.
pub(super) fn read(
    prefix: String,
    text: &str,
    new: Layout,
    spec: FileSpec,
    written: Timestamp,
    records: &[Record],
) -> Result<Found, Refusal> {
    if let Some(file) = File::parse(text.to_owned()) {
        return file.read(prefix, new, spec, written, records);
    }
    let whole = json::mend(text).ok_or_else(invalid)?;
    let file = File::parse(whole).filter(|file| file.members.keys().next().is_some());
    let Some(file) = file else { return Ok(Found::truncated(new, prefix)) };
    let file = File { is_torn: true, has_torn_key: has_known_key(text), ..file };
    let found = file.read(prefix, new, spec, written, records)?;
    Ok(Found { is_damaged: true, ..found })
}

/// The refresh state in `text`, if there is nothing beside it but WeChat's error, stored by code that did not look at it.
pub(super) fn state_alone(text: &str) -> Option<Option<RefreshState>> {
    let file = File::parse(text.to_owned())?.without_error();
    let state = file.get(STATE).map(RefreshState::read_inside);
    file.members.keys().all(|key| key == STATE).then_some(state)
}

struct File {
    text: String,
    members: Members,
    is_torn: bool,
    /// Whether the key of a token or ticket may stand in what was torn away.
    has_torn_key: bool,
}

impl File {
    fn parse(text: String) -> Option<Self> {
        let members = json::parse(&text)?;
        Some(Self { text, members, is_torn: false, has_torn_key: false })
    }

    fn read(
        self,
        prefix: String,
        new: Layout,
        spec: FileSpec,
        written: Timestamp,
        records: &[Record],
    ) -> Result<Found, Refusal> {
        let found = self.find_token(spec)?;
        let file = if found.is_none() { self.without_error() } else { self };
        if found.is_none() {
            file.find_other_token(spec.kind)?;
        }
        let torn = file.has_torn_key.then(|| spec.kind.key());
        let token_key = found.or(torn);
        let file = match token_key {
            Some(key) if file.is_torn => file.with(&[(key, Some("\"\"".to_owned()))]),
            _ => file,
        };
        let get = |key: &str| file.get(key);
        if get("openid").is_some() && get("refresh_token").is_some() {
            return Err(Refusal::ambiguous(
                "it contains the web token of a visitor (\"openid\", \"refresh_token\"), not that of an account",
                "Pass the path of a new file",
            ));
        }
        let named = match spec.layout {
            Some(Layout::Json { expiry, .. }) => Some(expiry),
            _ => None,
        };
        let present = named.filter(|named| get(named.key).is_some());
        let mut numbers = file.find_numbers(token_key.is_some(), present)?;
        if numbers.is_empty() {
            file.find_other_expiry(named)?;
            let has_token = token_key.and_then(get).is_some_and(is_credential);
            if has_token && spec.layout.is_none() {
                return Err(Refusal::ambiguous(
                    "its token has no expiry",
                    "Pass a 'layout' with the key that it is to get, such as 'expire_time', or pass the path of a new file",
                ));
            }
            let is_json = matches!(new, Layout::Json { .. } | Layout::TokenExpires);
            let new = if is_json { new } else { Layout::DEFAULT };
            for number in self::new(spec.kind, new, String::new()).numbers {
                numbers.push(file.number(number.expiry).unwrap_or(Ok(number))?);
            }
        }
        if token_key.is_none() && file.has_more_than(&numbers) {
            return Err(Refusal::Foreign("it is JSON without a token and its expiry"));
        }
        let state = get(STATE).map(RefreshState::read_inside).unwrap_or_default();
        let token_key = token_key.unwrap_or(spec.kind.key());
        let value = get(token_key).map_or(Ok(None), |json| token_of(token_key, json))?;
        let Self { text, members, .. } = file;
        let file = Keyed { syntax: Syntax::Json, prefix, text, members, token_key, numbers };
        let token = value.and_then(|value| {
            let is_ours = records.iter().any(|record| record.is_of(&value));
            let old = records.first().filter(|_| !is_ours);
            let named = present.filter(|named| file.has_expiry(named.key));
            let expiry = file.expiry(written, old, named)?;
            Some((value, expiry))
        });
        Ok(Found { file: Some(file), token, state: Some(state), ..Found::nothing(new, "") })
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.members.get(&self.text, key)
    }

    fn with(self, changes: &[(&str, Option<String>)]) -> Self {
        let text = json::edit(&self.text, &self.members, changes);
        let members = json::parse(&text).unwrap_or_default();
        Self { text, members, ..self }
    }

    /// The file without WeChat's error, if there is one.
    fn without_error(self) -> Self {
        if self.get("errcode").is_none_or(|code| code == "0") {
            return self;
        }
        self.with(&ERROR.map(|key| (key, None)))
    }

    /// The key of the token, if there is one.
    fn find_token(&self, spec: FileSpec) -> Result<Option<&'static str>, Refusal> {
        let FileSpec { kind, layout } = spec;
        if kind == CredentialKind::Any {
            let mut found = CredentialKind::ALL
                .map(|kind| self.find_token(FileSpec { kind, ..spec }))
                .into_iter();
            let first = found.find(|found| !matches!(found, Ok(None))).unwrap_or(Ok(None));
            return match found.find(|found| matches!(found, Ok(Some(_)))) {
                Some(key) if first.is_err() => key,
                _ => first,
            };
        }
        let is_empty = |json: &str| matches!(json, "null" | "false" | "\"\"");
        let is_filled = |key: &&&str| self.get(key).is_some_and(|json| !is_empty(json));
        let mut present = kind.keys().iter().filter(|key| self.get(key).is_some());
        let filled = present.clone().find(is_filled);
        let own = filled.or_else(|| present.next()).copied();
        let others = CredentialKind::Any.keys().iter().filter(|key| !kind.keys().contains(*key));
        match (own, others.copied().find(|key| is_filled(&key))) {
            (None, Some(other)) => Err(Refusal::ambiguous(
                format!("it contains \"{other}\", not \"{}\"", kind.key()),
                "Check the path: each kind of token or ticket has a file of its own",
            )),
            (Some(own), Some(other)) => Err(two_credentials(own, other)),
            (None, None) if kind == CredentialKind::AccessToken => {
                let has = |key: &str| self.get(key).is_some();
                let is_named = layout == Some(Layout::TokenExpires);
                let is_pair = has(TOKEN_EXPIRES) && (is_named || has(Expiry::EXPIRES.key));
                Ok(is_pair.then_some(TOKEN_EXPIRES))
            }
            (Some(own), None) => match self.find_second(own) {
                Some(other) => Err(two_credentials(own, &other)),
                None => Ok(Some(own)),
            },
            (None, None) => Ok(None),
        }
    }

    /// Another token or ticket beside the one under `own`: it would get a new expiry, and stay the old one.
    fn find_second(&self, own: &str) -> Option<String> {
        let is_second = |key: &&str| {
            let name = key.to_ascii_lowercase();
            *key != own
                && *key != STATE
                && name != "refresh_token"
                && (name.contains("token") || name.contains("ticket"))
                && self
                    .get(key)
                    .is_some_and(|json| json.len() > LONGEST_WORD && is_credential(json))
        };
        self.members.keys().find(is_second).map(str::to_owned)
    }

    /// Whether there is something beside the keys of a file that keeps a credential.
    fn has_more_than(&self, numbers: &[Number]) -> bool {
        let is_ours = |key: &str| {
            key == STATE
                || CredentialKind::Any.keys().contains(&key)
                || numbers.iter().any(|number| number.expiry.key == key)
        };
        !self.members.keys().all(is_ours)
    }

    /// The numbers of which the expiry depends, if there are some. `named` is the expiry that the caller names.
    fn find_numbers(&self, has_token: bool, named: Option<Expiry>) -> Result<Vec<Number>, Refusal> {
        let has_start = STARTS.iter().any(|start| self.get(start).is_some());
        let known = UNAMBIGUOUS.into_iter().filter_map(|expiry| self.number(expiry));
        let mut numbers = known.collect::<Result<Vec<_>, _>>()?;
        for number in &mut numbers {
            let Expiry { key, meaning } = number.expiry;
            // What stands there tells, and else the caller.
            if let Some(named) = named.filter(|named| named.key == key && number.value.is_none()) {
                number.expiry.meaning = named.meaning;
            }
            if meaning == Meaning::Time && number.value.is_some_and(looks_like_duration) {
                if !has_start {
                    return Err(duration(key));
                }
                number.expiry.meaning = Meaning::Lifetime { start: None };
            }
        }
        let is_lasting = |number: &&Number| {
            matches!(number.expiry.meaning, Meaning::Lifetime { .. })
                && number.value.is_none_or(is_duration)
        };
        let is_moment = |number: &&Number| !is_lasting(number) && number.value.is_some();
        let has_duration = numbers.iter().any(|number| is_lasting(&number));
        let is_start = |key: &str| STARTS.contains(&key);
        let is_known = |key: &str| UNAMBIGUOUS.iter().any(|known| known.key == key);
        let named = named.filter(|named| !(has_duration && is_start(named.key)));
        match named.filter(|named| !is_known(named.key)) {
            Some(named) => {
                let number = self.number(named).transpose()?;
                if number.as_ref().and_then(|it| it.value).is_some_and(looks_like_duration) {
                    return Err(duration(named.key));
                }
                numbers.extend(number);
            }
            None if self.get(EXPIRES_TIME).is_some() => return Err(two_meanings(EXPIRES_TIME)),
            None => {}
        }
        let has_moment = numbers.iter().any(|number| is_moment(&number));
        let is_named = |key: &str| named.is_some_and(|named| named.key == key);
        for key in STARTS.into_iter().filter(|key| !is_named(key)) {
            let Some(json) = self.get(key) else { continue };
            match (has_duration, has_moment) {
                (true, true) if looks_like_date(json) => {}
                (false, true) => {}
                (true, _) if !looks_like_date(json) => {
                    let start = Expiry { key, meaning: Meaning::Start };
                    numbers.extend(self.number(start).transpose()?);
                }
                _ if looks_like_date(json) => return Err(date(key)),
                _ if has_token => return Err(two_meanings(key)),
                _ => {}
            }
        }
        let is_start = |number: &Number| number.expiry.meaning == Meaning::Start;
        if has_duration && !has_moment && !numbers.iter().any(is_start) {
            self.find_other_start()?;
        }
        Ok(numbers)
    }

    /// A duration that begins at an unknown key must not be renewed without that.
    fn find_other_start(&self) -> Result<(), Refusal> {
        let is_known = |key: &str| UNAMBIGUOUS.iter().any(|known| known.key == key) || key == STATE;
        for key in self.members.keys().filter(|key| !is_known(key)) {
            let value = self.get(key).unwrap_or_default();
            if looks_like_date(value) {
                return Err(date(key));
            }
            if number_of(key, value).ok().flatten().is_some_and(|number| number >= LEAST_TIME) {
                return Err(Refusal::ambiguous(
                    format!(
                        "its duration seems to begin at {} ({}), which is not supported",
                        shown(key),
                        shape(value)
                    ),
                    "Rename that key to \"time\" if it is the time of the fetch, or pass the path of a new file",
                ));
            }
        }
        Ok(())
    }

    fn number(&self, expiry: Expiry) -> Option<Result<Number, Refusal>> {
        let json = self.get(expiry.key)?;
        let is_text = json.starts_with('"');
        Some(number_of(expiry.key, json).map(|value| Number { expiry, value, is_text }))
    }

    /// A file with such a key must not be completed with an expiry: it has one, unless the caller names it.
    fn find_other_expiry(&self, named: Option<Expiry>) -> Result<(), Refusal> {
        let start = named.and_then(Expiry::start);
        for key in self.members.keys().filter(|key| *key != STATE && start != Some(*key)) {
            if STARTS.contains(&key) {
                return Err(start_alone(key));
            }
            let value = self.get(key).unwrap_or_default();
            if looks_like_date(value) {
                return Err(date(key));
            }
            let number = number_of(key, value).ok().flatten();
            if is_about_time(key) || number.is_some_and(|number| number >= LEAST_TIME) {
                return Err(Refusal::ambiguous(
                    format!(
                        "its expiry seems to stand under {} ({}), which is not supported",
                        shown(key),
                        shape(value)
                    ),
                    "Rename that key to \"expires_at\" if it is the expiry, or pass the path of a new file",
                ));
            }
        }
        Ok(())
    }

    /// A token or ticket under an unknown key must not be left beside a new expiry.
    fn find_other_token(&self, kind: CredentialKind) -> Result<(), Refusal> {
        for key in self.members.keys().filter(|key| *key != STATE) {
            let json = self.get(key).unwrap_or_default();
            if json.starts_with('{') && json.contains("token") {
                return Err(Refusal::ambiguous(
                    format!("its token stands inside {}, which is not supported", shown(key)),
                    "Use a file for each account, with \"access_token\" at the top",
                ));
            }
            if is_credential(json) && self.has_expiry() {
                return Err(Refusal::ambiguous(
                    format!(
                        "its token stands under {} ({}), which is not supported",
                        shown(key),
                        shape(json)
                    ),
                    format!("Store it under \"{}\", or pass the path of a new file", kind.key()),
                ));
            }
        }
        Ok(())
    }

    /// Whether a key seems to be about an expiry, or a name about a token.
    fn has_expiry(&self) -> bool {
        let is_about_token = |key: &str| key.to_ascii_lowercase().contains("token");
        self.members.keys().any(|key| {
            is_about_time(key) || is_about_token(key) || STARTS.contains(&key) || {
                let number = number_of(key, self.get(key).unwrap_or_default()).ok().flatten();
                number.is_some_and(|number| number >= LEAST_TIME)
            }
        })
    }
}

/// Whether a torn text has the key of a token or ticket.
fn has_known_key(text: &str) -> bool {
    CredentialKind::Any.keys().iter().any(|key| text.contains(&format!("\"{key}\"")))
}

fn invalid() -> Refusal {
    Refusal::ambiguous("it is not valid JSON", "Correct the file, or pass the path of a new file")
}

fn two_credentials(own: &str, other: &str) -> Refusal {
    Refusal::ambiguous(
        format!("it contains \"{own}\" and {}", shown(other)),
        "Give each token or ticket a file of its own",
    )
}

fn duration(key: &str) -> Refusal {
    Refusal::ambiguous(
        format!("its \"{key}\" is a duration, and nothing says when that began"),
        "Rename that key to \"expires_in\" if it begins with the file's modification, or pass the path of a new file",
    )
}

fn two_meanings(key: &str) -> Refusal {
    Refusal::ambiguous(
        format!("its \"{key}\" has two possible meanings"),
        format!(
            "Pass 'layout' => '{key}:expiry' if it is the expiry, or 'layout' => '{key}:fetched' if it is the time of the fetch"
        ),
    )
}

fn start_alone(key: &str) -> Refusal {
    Refusal::ambiguous(
        format!("its \"{key}\" stands alone, without a token"),
        format!(
            "Pass the 'layout' of the code that reads it, such as '{key}+expires_in' or '{key}:fetched'"
        ),
    )
}

fn is_about_time(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("expir") || key.ends_with("time") || key.ends_with("_at")
}

fn date(key: &str) -> Refusal {
    Refusal::ambiguous(
        format!("{} has a date, not a Unix timestamp", shown(key)),
        "Store a Unix timestamp there instead, or pass the path of a new file",
    )
}

/// Whether a value may well be a token or ticket, or contain one.
fn is_credential(json: &str) -> bool {
    serde_json::from_str(json)
        .is_ok_and(|text: String| looks_like_token(&text) || text.contains("access_token"))
}

fn token_of(key: &str, json: &str) -> Result<Option<String>, Refusal> {
    match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(token)) => Ok(Some(token).filter(|token| is_token(token))),
        _ => Err(Refusal::not_a_string(key, &shape(json))),
    }
}

fn number_of(key: &str, json: &str) -> Result<Option<i64>, Refusal> {
    let number = match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => return Ok(None),
        Ok(Value::Number(number)) => number.as_i64().or_else(|| number.as_f64().map(whole)),
        Ok(Value::String(text)) => match text.trim() {
            "" => return Ok(None),
            text => text.parse().ok().or_else(|| text.parse().ok().map(whole)),
        },
        _ => None,
    };
    match number {
        Some(number) if number > LARGEST_TIME => Err(Refusal::not_a_time(key)),
        Some(number) => Ok(Some(number)),
        None => Err(Refusal::not_a_number(key, &shape(json))),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as saturates")]
fn whole(number: f64) -> i64 {
    number.floor() as i64
}
