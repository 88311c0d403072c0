//! The content of a token file: found in it, and changed in it, byte by byte.
//!
//! What is not token, expiry or note is never touched: values are replaced at the place where they
//! stand, so key order, spacing, and keys that we do not know survive. What a file is, is told by its
//! content and never guessed; what cannot be told is refused, with the way out.

mod json;
mod layout;
mod serialized;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::json::Object;
use self::layout::{Expiry, GUARD, PLAIN_LIFE, UNAMBIGUOUS};
use self::serialized::{Array, Scalar};
use crate::clock::Timestamp;
use crate::failure::FailureRecord;
use crate::record::Record;
use crate::token::{MAX_FOREIGN_LIFE, Token, is_token};

pub use self::layout::Layout;

/// The key of our own: the failure record, or the moment until which to leave the token.
const NOTE: &str = "wx_token";
const REST: &str = "refresh_not_before_ms";
const LONG_EXPIRY: &str = "expires_at_ms";

/// Beside these, in an extended attribute.
const RECORD: &str = "record";

/// What a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// An access token.
    AccessToken,
    /// A ticket for web pages that use WeChat's JavaScript interface.
    JsapiTicket,
    /// A ticket for cards and coupons.
    CardTicket,
    /// A ticket of one WeCom application.
    AgentConfigTicket,
    /// Any of these: whoever only describes the file need not know.
    Any,
}

impl CredentialKind {
    /// The keys under which files keep it. A new file has the first.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AccessToken => &["access_token"],
            Self::JsapiTicket => &["jsapi_ticket", "ticket"],
            Self::CardTicket => &["wx_card_ticket", "ticket"],
            Self::AgentConfigTicket => &["agent_config_ticket", "ticket"],
            Self::Any => {
                &["access_token", "jsapi_ticket", "wx_card_ticket", "agent_config_ticket", "ticket"]
            }
        }
    }
}

/// What a caller expects of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpec {
    /// What it keeps.
    pub kind: CredentialKind,
    /// How it spells that, where its content does not tell.
    pub layout: Option<Layout>,
}

/// What the file system tells of a file.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its name, without the directory.
    pub name: String,
    /// When it was last modified.
    pub written: Timestamp,
    /// What its extended attribute holds, and what this process knows that it would hold if it could.
    pub attributes: Vec<String>,
}

/// What is to be written to a file. Never shown: there is a token in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The modification time to give it, where that has a meaning.
    pub modified: Option<Timestamp>,
    /// What its extended attribute is to hold.
    pub attribute: Option<String>,
    /// Whether its readers pass over spaces at the end.
    pub may_be_padded: bool,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Content")
            .field("length", &self.bytes.len())
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

/// What a refresh leaves beside the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Note {
    /// It failed.
    failure: Option<FailureRecord>,
    /// Its token is due at once, but is to be left until then.
    refresh_not_before: Option<Timestamp>,
    /// Its token lives longer than is believed of others', until then.
    long_expiry: Option<Timestamp>,
}

impl Note {
    fn read(text: &str) -> Self {
        Self::of(&serde_json::from_str(text).unwrap_or_default())
    }

    fn of(json: &Value) -> Self {
        let moment = |key: &str| json.get(key).and_then(Value::as_i64).map(Timestamp::from_millis);
        Self {
            failure: FailureRecord::from_json(json),
            refresh_not_before: moment(REST),
            long_expiry: moment(LONG_EXPIRY),
        }
    }

    fn members(&self) -> Map<String, Value> {
        let json = self.failure.as_ref().map(FailureRecord::to_json);
        let mut members = match json {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        };
        for (key, moment) in [(REST, self.refresh_not_before), (LONG_EXPIRY, self.long_expiry)] {
            members.extend(moment.map(|moment| (key.to_owned(), moment.millis().into())));
        }
        members
    }

    /// `None` if there is nothing to note.
    fn to_json(&self) -> Option<String> {
        spell(self.members())
    }

    /// The token `value` with the expiry of the file, which may be rounded, and shorter than it was where a
    /// layout has no room for more.
    fn token(&self, value: impl Into<Arc<str>>, expiry: Timestamp) -> Token {
        let is_ours = self.long_expiry.is_some_and(|long| expiry <= long + Duration::from_secs(1));
        if is_ours || expiry == NEVER {
            Token::own(value, expiry)
        } else {
            Token::foreign(value, expiry)
        }
    }
}

/// What an extended attribute holds.
#[derive(Debug, Clone, Default, PartialEq)]
struct Attribute {
    /// The note, for a file whose content has no room for one, or which could not be written.
    note: Note,
    /// The record of a token, as it stands there.
    record: Option<Value>,
}

impl Attribute {
    fn read(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        Self { note: Note::of(&json), record: json.get(RECORD).cloned() }
    }

    /// `None` if there is nothing to keep.
    fn to_json(&self) -> Option<String> {
        let mut members = self.note.members();
        members.extend(self.record.clone().map(|record| (RECORD.to_owned(), record)));
        spell(members)
    }

    fn record_of(&self, token: &Token) -> Option<Record> {
        self.record.as_ref().and_then(Record::from_json).filter(|record| record.is_of(token))
    }
}

fn spell(members: Map<String, Value>) -> Option<String> {
    (!members.is_empty()).then(|| inert(&Value::Object(members)))
}

/// The expiry of a token that does not expire.
const NEVER: Timestamp = Timestamp::from_secs(i64::MAX);

/// A whole token file.
#[derive(Clone)]
pub struct Document {
    spec: FileSpec,
    origin: Origin,
    body: Body,
    token: Option<Token>,
    note: Note,
    attributes: Vec<Attribute>,
    damaged: bool,
}

#[derive(Clone)]
enum Body {
    /// Nothing worth keeping. It is written anew, in this layout.
    Empty(Layout),
    /// A JSON object, and what stands before it.
    Json { before: String, text: String, expiry: Expiry },
    /// `serialize()` of an array.
    Serialized(String),
    /// The token alone.
    Plain,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Document")
            .field("token", &self.token)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// A file with nothing in it.
    #[must_use]
    pub fn empty(spec: FileSpec, origin: Origin) -> Self {
        let by_name = if origin.name.ends_with(".php") { Layout::GUARDED } else { Layout::DEFAULT };
        let body = Body::Empty(spec.layout.unwrap_or(by_name));
        let attributes: Vec<_> =
            origin.attributes.iter().map(|text| Attribute::read(text)).collect();
        let note = attributes.first().map(|attribute| attribute.note.clone()).unwrap_or_default();
        let document = Self { spec, origin, body, token: None, note, attributes, damaged: false };
        document.with_newest_failure()
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Why this is not the file that is expected, and must not be overwritten.
    pub fn parse(bytes: &[u8], spec: FileSpec, origin: Origin) -> Result<Self, Refusal> {
        Self::empty(spec, origin).read(bytes).map(Self::with_newest_failure)
    }

    /// A failure that the content could not take stands in an attribute, and one that came later in the
    /// content.
    fn with_newest_failure(mut self) -> Self {
        let noted = self.attributes.iter().filter_map(|attribute| attribute.note.failure.as_ref());
        let newest = noted.chain(&self.note.failure).max_by_key(|failure| failure.failed_at);
        self.note.failure = newest.cloned();
        self
    }

    /// The bytes of the file of this document, which is empty as yet.
    fn read(self, bytes: &[u8]) -> Result<Self, Refusal> {
        let (spec, empty) = (self.spec, self);
        let seen = visible(bytes);
        if seen.is_empty() {
            return Ok(Self { damaged: !bytes.is_empty(), ..empty });
        }
        if spec.layout == Some(Layout::Plain) {
            return empty.plain(seen);
        }
        // What json_encode() makes of a failed fetch. There is nothing in it to lose.
        if matches!(seen, b"null" | b"false" | b"[]" | b"{}" | b"\"\"") {
            return Ok(empty);
        }
        let text = str::from_utf8(bytes).unwrap_or_default().to_owned();
        if let Some(behind) = text.strip_prefix(GUARD) {
            return empty.guarded(behind);
        }
        if seen.first() == Some(&b'{') {
            return empty.json(String::new(), text);
        }
        if is_serialized_array(seen) {
            return empty.serialized(text);
        }
        Err(foreign(seen))
    }

    fn torn(self) -> Self {
        Self { damaged: true, ..self }
    }

    fn guarded(self, behind: &str) -> Result<Self, Refusal> {
        let new = Self { body: Body::Empty(Layout::GUARDED), ..self };
        match visible(behind.as_bytes()).first() {
            None => Ok(new.torn()),
            Some(b'{') => {
                let json = behind.find('{').unwrap_or(0);
                let (gap, text) = behind.split_at(json);
                new.json(format!("{GUARD}{gap}"), text.to_owned())
            }
            Some(_) => Err("after its guard there is no JSON object".into()),
        }
    }

    fn json(self, before: String, text: String) -> Result<Self, Refusal> {
        let Some(object) = Object::parse(&text) else { return Ok(self.torn()) };
        let note = object.get(&text, NOTE).map(Note::read).unwrap_or_default();
        let value = self.find_value(&object, &text)?;
        let expiry = self.find_expiry(&object)?;
        if value.is_none() && expiry.is_none() && note == Note::default() {
            let is_error_answer = object.get(&text, "errcode").is_some();
            return match object.keys().next() {
                // WeChat's refusal, stored by code that did not look at it.
                Some(_) if is_error_answer => Ok(self),
                Some(_) => Err("it is JSON without a token and its expiry".into()),
                None => Ok(self),
            };
        }
        let is_unknown = |key: &str| key != NOTE && is_credential(object.get(&text, key));
        if value.is_none() && object.keys().any(is_unknown) {
            return Err(Refusal::unclear(
                "its token stands under a key that is not supported",
                "Rename that key to \"access_token\", for a ticket \"jsapi_ticket\", or pass the path of a new file",
            ));
        }
        let default = match (expiry, self.layout_for_new()) {
            (Some(expiry), _) => expiry,
            (None, Layout::Json { expiry, .. }) => expiry,
            (None, _) => Expiry::Expire,
        };
        let number = number_of(object.get(&text, default.key()).unwrap_or("null"))?;
        let moment = number.map(|number| default.to_timestamp(number, self.origin.written));
        let value = value.map_or(Ok(None), token_of)?;
        let token = value.zip(moment).map(|(value, expiry)| note.token(value, expiry));
        let body = Body::Json { before, text, expiry: default };
        Ok(Self { body, token, note, damaged: false, ..self })
    }

    /// What the file keeps, as it is spelled in `text`.
    fn find_value<'t>(&self, object: &Object, text: &'t str) -> Result<Option<&'t str>, Refusal> {
        let keys = self.spec.kind.keys();
        let own = keys.iter().find_map(|key| object.get(text, key));
        let others = || {
            let foreign = CredentialKind::Any.keys().iter().filter(|key| !keys.contains(*key));
            foreign.filter_map(|key| object.get(text, key)).any(|value| value.len() > 2)
        };
        match own {
            None if others() => Err(Refusal::unclear(
                "it contains another kind of token or ticket",
                "Check the path: each kind has a file of its own",
            )),
            Some(_) if others() => Err(Refusal::unclear(
                "it contains two tokens or tickets with one expiry",
                "Give each a file of its own",
            )),
            own => Ok(own),
        }
    }

    /// The key of the expiry, if there is one.
    fn find_expiry(&self, object: &Object) -> Result<Option<Expiry>, Refusal> {
        let has = |key: &str| object.keys().any(|known| known == key);
        if let Some(Layout::Json { expiry, .. }) = self.spec.layout
            && has(expiry.key())
        {
            return Ok(Some(expiry));
        }
        if has(Expiry::Fetched.key()) {
            return Err(Refusal::unclear(
                "its \"expires_time\" has two possible meanings",
                "Pass 'layout' => 'expires_time:expiry' if it is the expiry, or 'layout' => 'expires_time:fetched' if it is the time of the fetch",
            ));
        }
        let mut known = UNAMBIGUOUS.into_iter().filter(|expiry| has(expiry.key()));
        match (known.next(), known.find(|expiry| *expiry != Expiry::ExpiresIn)) {
            (Some(one), Some(other)) => Err(Refusal::unclear(
                format!("it has two expiry keys, \"{}\" and \"{}\"", one.key(), other.key()),
                "Pass the right one as the option 'layout'",
            )),
            (None, _) if object.keys().any(is_unknown_expiry) => Err(Refusal::unclear(
                "its expiry stands under a key that is not supported",
                "Rename that key to \"expires_at\" if it is the expiry, or pass the path of a new file",
            )),
            (known, _) => Ok(known),
        }
    }

    fn serialized(self, text: String) -> Result<Self, Refusal> {
        let new = Self { body: Body::Empty(Layout::Serialized), ..self };
        let Some(array) = Array::parse(&text) else { return Ok(new.torn()) };
        let (value, expired) = (array.get(&text, "value"), array.get(&text, "expired"));
        if value.is_none() || expired.is_none() {
            return Err("it is a serialized array without \"value\" and \"expired\"".into());
        }
        let note = match array.get(&text, NOTE) {
            Some(Scalar::Text(note)) => Note::read(note),
            _ => Note::default(),
        };
        let value = match value {
            Some(Scalar::Text(token)) => Some(token.to_owned()).filter(|token| is_token(token)),
            Some(Scalar::Nothing) | None => None,
            Some(Scalar::Number(_)) => return Err("its \"value\" is not a string".into()),
        };
        let number = match expired {
            Some(Scalar::Number(number)) => number,
            Some(Scalar::Text(text)) => {
                text.trim().parse().map_err(|_| "its \"expired\" is not a number")?
            }
            Some(Scalar::Nothing) | None => 1,
        };
        // WeChatDeveloper's cache: 0 is never.
        let expiry = if number == 0 { NEVER } else { Expiry::Expired.to_timestamp(number, NEVER) };
        let token = value.map(|value| note.token(value, expiry));
        Ok(Self { body: Body::Serialized(text), token, note, damaged: false, ..new })
    }

    fn plain(self, seen: &[u8]) -> Result<Self, Refusal> {
        let value =
            str::from_utf8(seen).ok().filter(|text| is_token(text) && !text.starts_with('{'));
        let value = value
            .ok_or("with layout \"plain\", it must contain the token and nothing else")?
            .to_owned();
        let token = Some(self.note.token(value, self.origin.written + PLAIN_LIFE));
        Ok(Self { body: Body::Plain, token, ..self })
    }

    /// What the caller expects of the file.
    #[must_use]
    pub const fn spec(&self) -> FileSpec {
        self.spec
    }

    /// The token, if there is a usable one, dead or alive.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// What is known of the token beside the file.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        let token = self.token.as_ref()?;
        self.attributes.iter().find_map(|attribute| attribute.record_of(token))
    }

    /// What the last failed refresh left.
    #[must_use]
    pub const fn failure(&self) -> Option<&FailureRecord> {
        self.note.failure.as_ref()
    }

    /// The moment until which a token that is due is to be left, if the last refresh set one.
    #[must_use]
    pub const fn refresh_not_before(&self) -> Option<Timestamp> {
        self.note.refresh_not_before
    }

    /// How the file spells what it holds; `None` while it holds nothing.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        match &self.body {
            Body::Empty(_) => None,
            Body::Json { before, expiry, .. } => {
                Some(Layout::Json { expiry: *expiry, guarded: !before.is_empty() })
            }
            Body::Serialized(_) => Some(Layout::Serialized),
            Body::Plain => Some(Layout::Plain),
        }
    }

    fn layout_for_new(&self) -> Layout {
        match self.body {
            Body::Empty(layout) => layout,
            _ => Layout::DEFAULT,
        }
    }

    /// Whether the file was torn: half written, or all NUL bytes.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The file with `token` in place of the old one, written at `now`, and without a failure record.
    /// A token that is due at once is to be left until `refresh_not_before`. `record` goes with it.
    #[must_use]
    pub fn with_token(
        &self,
        token: &Token,
        record: &Record,
        refresh_not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Content {
        let is_long = token.expiry.since(now) > MAX_FOREIGN_LIFE;
        let long_expiry = is_long.then_some(token.expiry);
        let note = Note { failure: None, refresh_not_before, long_expiry };
        let attribute = Attribute {
            note: if self.has_room() { Note::default() } else { note.clone() },
            record: Some(record.to_json()),
        };
        self.written().edited(Some((token, now)), &note, attribute.to_json())
    }

    /// The file with an earlier expiry of its own token, that of `token`, written at `now`; all else stays.
    #[must_use]
    pub fn with_expiry(&self, token: &Token, now: Timestamp) -> Content {
        let note = if self.has_room() { Note::default() } else { self.note.clone() };
        let attribute = Attribute { note, record: self.kept_record() };
        self.written().edited(Some((token, now)), &self.note, attribute.to_json())
    }

    /// The file with `record` in place of the last failure; token and expiry stay. `None` if the content
    /// has no room for it.
    #[must_use]
    pub fn with_failure(&self, record: &FailureRecord) -> Option<Content> {
        let attribute = Attribute { note: Note::default(), record: self.kept_record() };
        self.has_room()
            .then(|| self.written().edited(None, &self.note_of(record), attribute.to_json()))
    }

    /// The extended attribute with `record` in place of the last failure.
    #[must_use]
    pub fn attribute_with_failure(&self, record: &FailureRecord) -> Option<String> {
        Attribute { note: self.note_of(record), record: self.kept_record() }.to_json()
    }

    fn note_of(&self, record: &FailureRecord) -> Note {
        let long_expiry = self.note.long_expiry;
        Note { failure: Some(record.clone()), refresh_not_before: None, long_expiry }
    }

    /// The record that stands beside the file, be it one that is not understood.
    fn kept_record(&self) -> Option<Value> {
        let of_token = |attribute: &&Attribute| {
            self.token.as_ref().is_some_and(|token| attribute.record_of(token).is_some())
        };
        let kept = self.attributes.iter().find(of_token).or(self.attributes.first());
        kept.and_then(|attribute| attribute.record.clone())
    }

    /// Whether the content has room for a note.
    fn has_room(&self) -> bool {
        !matches!(self.written().body, Body::Plain)
    }

    /// The document, with a body that can be edited.
    fn written(&self) -> Self {
        let Body::Empty(layout) = self.body else { return self.clone() };
        let body = match layout {
            Layout::Json { expiry, guarded } => Body::Json {
                before: if guarded { GUARD.to_owned() } else { String::new() },
                text: "{}".to_owned(),
                expiry,
            },
            Layout::Serialized => Body::Serialized(format!(
                "a:3:{{{}{}{}{}{}{}}}",
                serialized::string("name"),
                serialized::string(&self.origin.name),
                serialized::string("value"),
                serialized::string(""),
                serialized::string("expired"),
                "i:1;"
            )),
            Layout::Plain => Body::Plain,
        };
        Self { body, ..self.clone() }
    }

    fn edited(
        &self,
        token: Option<(&Token, Timestamp)>,
        note: &Note,
        attribute: Option<String>,
    ) -> Content {
        let note = note.to_json();
        match &self.body {
            Body::Json { before, text, expiry } => {
                let content = self.edited_json(before, text, *expiry, token, note.as_deref());
                Content { attribute, ..content }
            }
            Body::Serialized(text) => {
                let mut text = text.clone();
                let mut set = |key: &str, value: Option<&str>| {
                    if let Some(array) = Array::parse(&text) {
                        text = array.edit(&text, key, value);
                    }
                };
                if let Some((token, _)) = token {
                    set("value", Some(&serialized::string(&token.value)));
                    set("expired", Some(&self.spell_expired(token.expiry)));
                }
                set(NOTE, note.as_deref().map(serialized::string).as_deref());
                Content {
                    bytes: text.into_bytes(),
                    modified: None,
                    attribute,
                    may_be_padded: false,
                }
            }
            Body::Plain | Body::Empty(_) => {
                let kept = self.token.as_ref().map(|token| (token, token.expiry));
                let stored = token.map(|(token, _)| (token, token.expiry)).or(kept);
                let bytes = stored.map(|(token, _)| token.value.as_bytes().to_vec());
                let modified = stored.map(|(_, expiry)| expiry.before(PLAIN_LIFE));
                let bytes = bytes.unwrap_or_default();
                Content { bytes, modified, attribute, may_be_padded: false }
            }
        }
    }

    /// Strings stay strings, and numbers numbers.
    fn spell_expired(&self, expiry: Timestamp) -> String {
        let Body::Serialized(text) = &self.body else { return String::new() };
        let before = Array::parse(text);
        match before.as_ref().and_then(|array| array.get(text, "expired")) {
            Some(Scalar::Text(_)) => serialized::string(&expiry.secs().to_string()),
            Some(Scalar::Number(number)) => {
                format!("i:{};", Expiry::Expired.to_number(expiry, expiry, Some(number)))
            }
            _ => format!("i:{};", expiry.secs()),
        }
    }

    fn edited_json(
        &self,
        before: &str,
        text: &str,
        expiry: Expiry,
        token: Option<(&Token, Timestamp)>,
        note: Option<&str>,
    ) -> Content {
        let mut text = text.to_owned();
        let mut set = |key: &str, spell: &dyn Fn(&str) -> Option<String>| {
            if let Some(object) = Object::parse(&text) {
                let old = object.get(&text, key).unwrap_or_default().to_owned();
                text = object.edit(&text, key, spell(&old).as_deref());
            }
        };
        let mut modified = None;
        if let Some((token, now)) = token {
            set(self.value_key(), &|_| Some(inert(&json!(&*token.value))));
            set(expiry.key(), &|old| {
                let number = number_of(old).ok().flatten();
                let number = expiry.to_number(token.expiry, now, number);
                Some(
                    if old.starts_with('"') { json!(number.to_string()) } else { json!(number) }
                        .to_string(),
                )
            });
        }
        set(NOTE, &|_| note.map(str::to_owned));
        // A duration counts from the modification: that of the token, not that of a note.
        let number = Object::parse(&text)
            .and_then(|object| number_of(object.get(&text, expiry.key())?).ok()?)
            .filter(|number| expiry.counts_from_modification(*number));
        if number.is_some() {
            modified = Some(token.map_or(self.origin.written, |(_, now)| now));
        }
        let bytes = format!("{before}{text}").into_bytes();
        Content { bytes, modified, attribute: None, may_be_padded: true }
    }

    /// The key under which this file keeps its token.
    fn value_key(&self) -> &'static str {
        let keys = self.spec.kind.keys();
        let present = match &self.body {
            Body::Json { text, .. } => Object::parse(text)
                .and_then(|object| keys.iter().find(|key| object.get(text, key).is_some())),
            _ => None,
        };
        present.or(keys.first()).copied().unwrap_or_default()
    }
}

/// The text of `json` without a `<`: nothing that an upstream says may become code in a file that a web
/// server runs, as one named `*.php` without a guard.
fn inert(json: &Value) -> String {
    json.to_string().replace('<', "\\u003c")
}

/// Whether a value may well be a token or ticket: one that we do not know must not be left beside a new
/// expiry.
fn is_credential(json: Option<&str>) -> bool {
    const SHORTEST: usize = 32;
    let value = json.and_then(|json| serde_json::from_str::<String>(json).ok());
    value.is_some_and(|text| text.len() >= SHORTEST && is_token(&text))
}

fn token_of(json: &str) -> Result<Option<String>, Refusal> {
    match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(token)) => Ok(Some(token).filter(|token| is_token(token))),
        _ => Err("its token is not a string".into()),
    }
}

fn number_of(json: &str) -> Result<Option<i64>, Refusal> {
    match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => return Ok(None),
        Ok(Value::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Ok(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Ok(Value::String(text)) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        _ => None,
    }
    .map(Some)
    .ok_or_else(|| "its expiry is not a number".into())
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 1e15).then_some(number.floor() as i64)
}

/// Keys that speak of time: a file with one of these is not ours to complete with an `expire`.
fn is_unknown_expiry(key: &str) -> bool {
    key.starts_with("expire") || key.ends_with("_time") || key.ends_with("_at")
}

/// `bytes` without the NUL bytes and white space around them, and without a byte order mark.
fn visible(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Whether `seen` begins as a serialized array does: `a:3:{`.
fn is_serialized_array(seen: &[u8]) -> bool {
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    seen.strip_prefix(b"a:").is_some_and(|rest| {
        let count = digits(rest);
        count > 0 && rest.get(count..).is_some_and(|rest| rest.starts_with(b":{"))
    })
}

/// What a file is that is no token file that can be kept.
fn foreign(seen: &[u8]) -> Refusal {
    if seen.starts_with(b"<?") {
        Refusal::unclear(
            "it is PHP code, which wx_token never runs",
            "Pass the path of a JSON file, or write this file in a loader",
        )
    } else if str::from_utf8(seen).is_ok_and(|text| text.len() >= 32 && is_token(text)) {
        Refusal::unclear(
            "it seems to contain only a token",
            "Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification",
        )
    } else {
        "it is neither JSON nor serialize() data".into()
    }
}

/// Why a file is not used as it is. Nothing in it is from the file, which may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is no token file, and why.
    Foreign(&'static str),
    /// It is, or may be, a file with a token that must not be lost.
    Unclear {
        /// What is unclear.
        reason: String,
        /// What settles it, and keeps the content.
        remedy: &'static str,
    },
}

impl Refusal {
    fn unclear(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self::Unclear { reason: reason.into(), remedy }
    }
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self::Foreign(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure, Requester};
    use crate::fingerprint::Fingerprint;

    const TOKEN_FILE: &str = r#"{"access_token":"abc","expire":1588219064}"#;

    const TOKEN: FileSpec = FileSpec { kind: CredentialKind::AccessToken, layout: None };
    const WRITTEN: Timestamp = Timestamp::from_secs(1_600_000_000);

    /// When [`fresh`] is stored.
    const NOW: Timestamp = Timestamp::from_secs(1_699_992_800);

    fn origin() -> Origin {
        Origin { name: "token.json".into(), written: WRITTEN, attributes: Vec::new() }
    }

    fn parse_as(text: &str, spec: FileSpec) -> Result<Document, Refusal> {
        Document::parse(text.as_bytes(), spec, origin())
    }

    /// What is said of a file with a token that must not be lost; nothing of one that is foreign.
    fn way_out(why: &Refusal) -> &'static str {
        match why {
            Refusal::Unclear { remedy, .. } => remedy,
            Refusal::Foreign(_) => "",
        }
    }

    fn parse(text: &str) -> Result<Document, Refusal> {
        parse_as(text, TOKEN)
    }

    fn reparse(content: Content) -> Document {
        parse(&String::from_utf8(content.bytes).unwrap()).unwrap()
    }

    fn empty() -> Document {
        Document::empty(TOKEN, origin())
    }

    fn expiry(text: &str) -> Option<i64> {
        parse(text).ok()?.token().map(|token| token.expiry.secs())
    }

    fn fresh() -> Token {
        Token::own("NEW", Timestamp::from_secs(1_700_000_000))
    }

    fn rewritten(text: &str) -> String {
        let content = parse(text).unwrap().with_token(&fresh(), &known(), None, NOW);
        String::from_utf8(content.bytes).unwrap()
    }

    fn known() -> Record {
        Record::new(&fresh(), None, NOW)
    }

    fn record() -> FailureRecord {
        let requester = Requester {
            account: Fingerprint::from_hex("a"),
            route: Fingerprint::from_hex("direct"),
            owner: None,
            describe: Cause::to_string,
        };
        FailureRecord::new(Failure::network("refused"), &requester, None, Timestamp::from_secs(5))
    }

    #[test]
    fn a_token_file_tells_its_token_and_expiry() {
        let token = parse(TOKEN_FILE).ok().and_then(|document| document.token().cloned());
        let spec = Token::foreign("abc", Timestamp::from_secs(1_588_219_064));
        assert_eq!(token, Some(spec));
    }

    #[test]
    fn an_expiry_may_be_a_string_a_float_or_long_past() {
        assert_eq!(expiry(r#"{"access_token":"a","expire":"1588219064"}"#), Some(1_588_219_064));
        assert_eq!(expiry(r#"{"access_token":"a","expire":1588219064.9}"#), Some(1_588_219_064));
        assert_eq!(expiry(r#"{"access_token":"a","expire":-5}"#), Some(-5));
    }

    #[test]
    fn without_token_or_expiry_there_is_no_usable_token() {
        for text in [
            r#"{"access_token":"a","expire":null}"#,
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"","expire":9999999999}"#,
            r#"{"access_token":null,"expire":9999999999}"#,
            r#"{"access_token":"a\nb","expire":9999999999}"#,
        ] {
            assert!(parse(text).is_ok_and(|document| document.token().is_none()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_token_file_is_refused() {
        for text in [
            "debian\n",
            "<?php echo 1;",
            "\u{7f}ELF",
            r#"{"name":"vendor/package","require":{}}"#,
            r#"{"access_token":"a","valid_at":1}"#,
            r#"{"access_token":{"a":1},"expire":1}"#,
            r#"{"access_token":"a","expire":"soon"}"#,
            r#"{"access_token":"a","expire":[1]}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn torn_content_is_damaged_and_replaced_as_a_whole() {
        for text in [r#"{"access_token":"easWas"#, "\0\0\0\0", "{", "{\"access_token\":\"a\"}}"] {
            let document = parse(text);
            assert!(document.as_ref().is_ok_and(Document::is_damaged), "{text:?}");
            assert_eq!(rewritten(text), r#"{"access_token":"NEW","expire":1700000000}"#);
        }
    }

    #[test]
    fn content_with_nothing_to_lose_is_replaced_as_a_whole() {
        for text in ["", "null", "[]", " {}\n", r#"{"errcode":40013,"errmsg":"invalid appid"}"#] {
            assert!(parse(text).is_ok_and(|document| !document.is_damaged()), "{text:?}");
            assert_eq!(rewritten(text), r#"{"access_token":"NEW","expire":1700000000}"#);
        }
    }

    #[test]
    fn a_rewrite_touches_token_and_expiry_alone() {
        let text = "{ \"a\" : 1.0,\n\t\"expire\": \"5\", \"n\\u0061\":[ 1,2 ], \"access_token\" :\"x\" }\n";
        assert_eq!(
            rewritten(text),
            "{ \"a\" : 1.0,\n\t\"expire\": \"1700000000\", \"n\\u0061\":[ 1,2 ], \"access_token\" :\"NEW\" }\n"
        );
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_is_rewritten() {
        let text = r#"{"access_token":"a","access_token":"b","expire":5}"#;
        let token = parse(text).ok().and_then(|document| document.token().cloned());
        assert_eq!(token.map(|token| token.value), Some("b".into()));
        assert!(rewritten(text).contains(r#""access_token":"NEW","expire""#));
    }

    #[test]
    fn a_failure_record_comes_and_goes_without_a_trace() {
        let document = parse(TOKEN_FILE).unwrap();
        let failed = reparse(document.with_failure(&record()).unwrap());
        assert_eq!(failed.failure(), Some(&record()));
        assert_eq!(failed.token(), document.token());
        let healed = failed.with_token(&fresh(), &known(), None, NOW);
        assert_eq!(healed, document.with_token(&fresh(), &known(), None, NOW));
    }

    #[test]
    fn a_failure_record_goes_wherever_it_stands() {
        let record = record().to_json();
        for text in [
            format!(r#"{{"wx_token":{record},"access_token":"a","expire":5}}"#),
            format!(r#"{{"access_token":"a","wx_token" : {record} ,"expire":5}}"#),
            format!(r#"{{"wx_token":{record}}}"#),
        ] {
            let after = rewritten(&text);
            assert!(!after.contains("wx_token"), "{after}");
            assert_eq!(expiry(&after), Some(1_700_000_000), "{after}");
        }
    }

    #[test]
    fn a_failure_leaves_a_record_in_an_empty_file() {
        assert_eq!(reparse(empty().with_failure(&record()).unwrap()).failure(), Some(&record()));
    }

    #[test]
    fn a_rest_is_noted_and_goes_with_the_next_token() {
        let until = Timestamp::from_millis(1_234_567);
        let document = parse(TOKEN_FILE).unwrap();
        let resting = reparse(document.with_token(&fresh(), &known(), Some(until), WRITTEN));
        assert_eq!((resting.refresh_not_before(), resting.token()), (Some(until), Some(&fresh())));
        let done = resting.with_token(&fresh(), &known(), None, NOW);
        assert_eq!(done, document.with_token(&fresh(), &known(), None, NOW));
    }

    #[test]
    fn a_ticket_file_keeps_the_key_that_it_has_and_is_no_token_file() {
        let spec = |kind| FileSpec { kind, layout: None };
        let text = r#"{"expire":5,"ticket":"abc","for":"us"}"#;
        let ticket = parse_as(text, spec(CredentialKind::JsapiTicket)).unwrap();
        let content = ticket.with_token(&fresh(), &known(), None, NOW);
        assert_eq!(
            String::from_utf8(content.bytes).unwrap(),
            r#"{"expire":1700000000,"ticket":"NEW","for":"us"}"#
        );
        let new = Document::empty(spec(CredentialKind::JsapiTicket), origin());
        let new = String::from_utf8(new.with_token(&fresh(), &known(), None, NOW).bytes).unwrap();
        assert_eq!(new, r#"{"jsapi_ticket":"NEW","expire":1700000000}"#);
        assert!(parse_as(&new, spec(CredentialKind::CardTicket)).is_err());
        assert!(parse(&new).is_err());
        assert!(parse_as(&new, spec(CredentialKind::Any)).unwrap().token().is_some());
    }

    /// Every legacy layout: how it looks, and how it looks after a refresh.
    const LAYOUTS: [(&str, &str, &str); 14] = [
        (
            "expire",
            r#"{"access_token":"a","expire":5}"#,
            r#"{"access_token":"NEW","expire":1700000000}"#,
        ),
        (
            "expire_time",
            r#"{"expire_time":5,"access_token":"a"}"#,
            r#"{"expire_time":1700000000,"access_token":"NEW"}"#,
        ),
        (
            "expire_time",
            r#"{"access_token":"","expire_time":0}"#,
            r#"{"access_token":"NEW","expire_time":1700000000}"#,
        ),
        (
            "expires",
            r#"{"access_token":"a","expires_in":7200,"expires":5}"#,
            r#"{"access_token":"NEW","expires_in":7200,"expires":1700000000}"#,
        ),
        (
            "expires_at",
            r#"{"expires_at":"5","access_token":"a","x":[1, 2]}"#,
            r#"{"expires_at":"1700000000","access_token":"NEW","x":[1, 2]}"#,
        ),
        (
            "expired",
            r#"{"access_token":"a","expired":5}"#,
            r#"{"access_token":"NEW","expired":1700000000}"#,
        ),
        (
            "expires_in",
            r#"{"access_token":"a","expires_in":1588219064}"#,
            r#"{"access_token":"NEW","expires_in":1700000000}"#,
        ),
        (
            "expires_in",
            r#"{"access_token":"a","expires_in":7200}"#,
            r#"{"access_token":"NEW","expires_in":7200}"#,
        ),
        (
            "expire_time",
            r#"{"access_token":"a","expire_time":1588219064123}"#,
            r#"{"access_token":"NEW","expire_time":1700000000000}"#,
        ),
        (
            "guarded expire_time",
            "<?php exit();?>{\"access_token\":\"a\",\"expire_time\":5}",
            "<?php exit();?>{\"access_token\":\"NEW\",\"expire_time\":1700000000}",
        ),
        (
            "guarded expire_time",
            "<?php exit();?>\n{\"access_token\":\"\",\"expire_time\":0}\n",
            "<?php exit();?>\n{\"access_token\":\"NEW\",\"expire_time\":1700000000}\n",
        ),
        (
            "serialize",
            r#"a:3:{s:4:"name";s:2:"wx";s:5:"value";s:1:"a";s:7:"expired";i:5;}"#,
            r#"a:3:{s:4:"name";s:2:"wx";s:5:"value";s:3:"NEW";s:7:"expired";i:1700000000;}"#,
        ),
        (
            "serialize",
            r#"a:2:{s:5:"value";s:1:"a";s:7:"expired";s:1:"5";}"#,
            r#"a:2:{s:5:"value";s:3:"NEW";s:7:"expired";s:10:"1700000000";}"#,
        ),
        (
            "serialize",
            r#"a:2:{s:5:"value";N;s:7:"expired";i:5;}"#,
            r#"a:2:{s:5:"value";s:3:"NEW";s:7:"expired";i:1700000000;}"#,
        ),
    ];

    #[test]
    fn every_layout_is_known_by_its_content_and_kept() {
        for (name, before, after) in LAYOUTS {
            let document = parse(before).unwrap_or_else(|why| panic!("{before}: {why:?}"));
            assert_eq!(document.layout().unwrap().name(), name);
            assert_eq!(rewritten(before), after);
        }
    }

    #[test]
    fn a_long_life_is_noted_survives_a_failure_and_goes_with_the_token_that_had_it() {
        let expiry = NOW + MAX_FOREIGN_LIFE + Duration::from_millis(1500);
        let token = Token::own("NEW", expiry);
        let long_lived = |document: &Document| {
            document
                .token()
                .is_some_and(|token| token.believed_from == Timestamp::MIN && token.is_valid(NOW))
        };
        let texts = [TOKEN_FILE, "a:2:{s:5:\"value\";s:3:\"abc\";s:7:\"expired\";i:5;}"];
        for text in texts {
            let stored = reparse(parse(text).unwrap().with_token(&token, &known(), None, NOW));
            assert!(long_lived(&stored), "{text}");
            assert!(long_lived(&reparse(stored.with_failure(&record()).unwrap())), "{text}");
        }
        let by_others =
            r#"{"access_token":"x","expire":1800000000,"wx_token":{"expires_at_ms":5}}"#;
        assert!(!long_lived(&parse(by_others).unwrap()), "stored by other code since");
        let never = "a:2:{s:5:\"value\";s:3:\"abc\";s:7:\"expired\";i:0;}";
        assert!(long_lived(&parse(never).unwrap()), "it does not expire, says WeChatDeveloper");
        let duration = parse(r#"{"access_token":"a","expires_in":7200}"#).unwrap();
        let month = Token { expiry: NOW + MAX_FOREIGN_LIFE * 30, ..token };
        let stored = duration.with_token(&month, &known(), None, NOW).bytes;
        let stored = Document::parse(&stored, TOKEN, Origin { written: NOW, ..origin() }).unwrap();
        assert!(long_lived(&stored), "although it is shortened to what the layout has room for");
        let usual = rewritten(TOKEN_FILE);
        assert!(!usual.contains(NOTE), "{usual}");
    }

    #[test]
    fn in_every_layout_a_failure_is_noted_and_goes_again() {
        for (_, before, after) in LAYOUTS {
            let document = parse(before).unwrap();
            let failed = reparse(document.with_failure(&record()).unwrap());
            assert_eq!((failed.failure(), failed.token()), (Some(&record()), document.token()));
            let healed = failed.with_token(&fresh(), &known(), None, NOW).bytes;
            assert_eq!(String::from_utf8(healed).unwrap(), after, "{before}");
        }
    }

    #[test]
    fn a_duration_that_would_be_taken_for_a_moment_is_shortened() {
        let document = parse(r#"{"access_token":"a","expires_in":7200}"#).unwrap();
        let stored = document.with_token(&fresh(), &known(), None, WRITTEN).bytes;
        assert!(String::from_utf8(stored).unwrap().contains(r#""expires_in":100000,"#));
    }

    #[test]
    fn a_duration_counts_from_the_modification_of_the_token() {
        let document = parse(r#"{"access_token":"a","expires_in":7200}"#).unwrap();
        assert_eq!(document.token().unwrap().expiry, Timestamp::from_secs(1_600_007_200));
        let later = Timestamp::from_secs(1_600_010_000);
        let token = Token::foreign("NEW", Timestamp::from_secs(1_600_017_000));
        let content = document.with_token(&token, &known(), None, later);
        assert_eq!(content.modified, Some(later));
        assert_eq!(content.bytes, br#"{"access_token":"NEW","expires_in":7000}"#);
        assert_eq!(
            document.with_failure(&record()).unwrap().modified,
            Some(WRITTEN),
            "a note is no new token"
        );
    }

    #[test]
    fn a_file_that_is_torn_behind_its_guard_keeps_the_guard() {
        for text in ["<?php exit();?>", "<?php exit();?>{\"access_tok", "<?php exit();?>\0\0"] {
            assert!(parse(text).unwrap().is_damaged(), "{text:?}");
            assert_eq!(
                rewritten(text),
                r#"<?php exit();?>{"access_token":"NEW","expire_time":1700000000}"#
            );
        }
        let torn = r#"a:3:{s:4:"name";s:17:"wx"#;
        assert!(parse(torn).unwrap().is_damaged());
        assert!(
            rewritten(torn)
                .starts_with(r#"a:3:{s:4:"name";s:10:"token.json";s:5:"value";s:3:"NEW";"#)
        );
    }

    #[test]
    fn a_new_file_has_the_layout_of_its_name_or_of_the_option() {
        let new = |name: &str, layout: Option<&str>| {
            let spec = FileSpec { layout: layout.and_then(Layout::by_name), ..TOKEN };
            let origin = Origin { name: name.to_owned(), ..origin() };
            let content = Document::empty(spec, origin).with_token(&fresh(), &known(), None, NOW);
            String::from_utf8(content.bytes).unwrap()
        };
        assert_eq!(new("token.json", None), r#"{"access_token":"NEW","expire":1700000000}"#);
        assert_eq!(
            new("access_token.php", None),
            r#"<?php exit();?>{"access_token":"NEW","expire_time":1700000000}"#
        );
        assert_eq!(
            new("t", Some("expires_at")),
            r#"{"access_token":"NEW","expires_at":1700000000}"#
        );
        assert_eq!(
            new("t", Some("expires_time:expiry")),
            r#"{"access_token":"NEW","expires_time":1700000000}"#
        );
        assert_eq!(
            new("wx01_access_token", Some("serialize")),
            r#"a:3:{s:4:"name";s:17:"wx01_access_token";s:5:"value";s:3:"NEW";s:7:"expired";i:1700000000;}"#
        );
        assert_eq!(new("t", Some("plain")), "NEW");
    }

    #[test]
    fn what_has_two_meanings_is_refused_until_the_caller_says_which() {
        let text = r#"{"access_token": "a", "expires_time": 1599999000}"#;
        assert!(parse(text).is_err_and(|why| way_out(&why).contains("expires_time:fetched")));
        let expiry_as = |layout| {
            let spec = FileSpec { layout: Layout::by_name(layout), ..TOKEN };
            parse_as(text, spec).unwrap().token().unwrap().expiry
        };
        assert_eq!(expiry_as("expires_time:expiry"), Timestamp::from_secs(1_599_999_000));
        assert_eq!(expiry_as("expires_time:fetched"), Timestamp::from_secs(1_600_002_600));

        let two = r#"{"access_token":"a","expire":5,"expires_at":6}"#;
        assert!(parse(two).is_err_and(|why| way_out(&why).contains("the option 'layout'")));
        let spec = FileSpec { layout: Layout::by_name("expires_at"), ..TOKEN };
        let token = parse_as(two, spec).unwrap().token().cloned();
        assert_eq!(token.unwrap().expiry, Timestamp::from_secs(6));
        let both = r#"{"access_token":"a","jsapi_ticket":"b","expire":5}"#;
        assert!(parse(both).is_err_and(|why| way_out(&why).contains("a file of its own")));
    }

    #[test]
    fn a_ticket_under_another_key_is_not_given_a_new_expiry() {
        let text = r#"{"data":"0123456789012345678901234567890123456789","expires":5}"#;
        for kind in [CredentialKind::AccessToken, CredentialKind::JsapiTicket] {
            let parsed = parse_as(text, FileSpec { kind, layout: None });
            assert!(parsed.is_err_and(|why| way_out(&why).contains("Rename that key")));
        }
    }

    #[test]
    fn a_token_alone_is_refused_until_the_caller_says_so() {
        let text = "0123456789012345678901234567890123456789\n";
        assert!(parse(text).is_err_and(|why| way_out(&why).contains("'layout' => 'plain'")));
        let spec = FileSpec { layout: Some(Layout::Plain), ..TOKEN };
        let document = parse_as(text, spec).unwrap();
        assert_eq!(document.token().unwrap().expiry, WRITTEN + PLAIN_LIFE);
        let content = document.with_token(&fresh(), &known(), None, NOW);
        assert_eq!(content.bytes, b"NEW");
        assert_eq!(content.modified, Some(fresh().expiry.before(PLAIN_LIFE)));
        assert_eq!(document.with_failure(&record()), None, "it has no room");
        let attributes = document.attribute_with_failure(&record()).into_iter().collect();
        let noted = Origin { attributes, ..origin() };
        let again = Document::parse(text.as_bytes(), spec, noted).unwrap();
        assert_eq!(again.failure(), Some(&record()));
        assert!(parse_as("two words", spec).is_err());
    }

    #[test]
    fn a_record_is_believed_of_its_own_token_alone_and_outlives_a_failure() {
        let document = parse(TOKEN_FILE).unwrap();
        let content = document.with_token(&fresh(), &known(), None, NOW);
        let attributes: Vec<_> = content.attribute.into_iter().collect();
        let reread = |bytes: &[u8]| {
            let origin = Origin { attributes: attributes.clone(), ..origin() };
            Document::parse(bytes, TOKEN, origin).unwrap()
        };
        let stored = reread(&content.bytes);
        assert_eq!(stored.record(), Some(known()));
        assert_eq!(reread(TOKEN_FILE.as_bytes()).record(), None, "legacy code wrote another token");
        let failed = stored.with_failure(&record()).unwrap();
        assert_eq!(failed.attribute.as_ref(), attributes.first());
        let beside = stored.attribute_with_failure(&record());
        let noted = Origin { attributes: beside.into_iter().collect(), ..origin() };
        let again = Document::parse(&content.bytes, TOKEN, noted).unwrap();
        assert_eq!((again.record(), again.failure()), (Some(known()), Some(&record())));
    }

    #[test]
    fn a_newer_versions_record_is_not_believed_and_left_alone() {
        let newer = r#"{"record":{"more":[1],"token":"x","version":2}}"#;
        let origin = Origin { attributes: vec![newer.into()], ..origin() };
        let document = Document::parse(TOKEN_FILE.as_bytes(), TOKEN, origin).unwrap();
        assert_eq!(document.record(), None);
        let failed = document.with_failure(&record()).unwrap();
        assert_eq!(failed.attribute.as_deref(), Some(newer));
    }

    #[test]
    fn the_newest_failure_counts_wherever_it_stands() {
        let at = |secs| FailureRecord { failed_at: Timestamp::from_secs(secs), ..record() };
        let beside = parse(TOKEN_FILE).unwrap().attribute_with_failure(&at(50));
        for (inside, newest) in [(49, 50), (51, 51)] {
            let bytes = parse(TOKEN_FILE).unwrap().with_failure(&at(inside)).unwrap().bytes;
            let origin = Origin { attributes: beside.iter().cloned().collect(), ..origin() };
            let document = Document::parse(&bytes, TOKEN, origin).unwrap();
            assert_eq!(document.failure(), Some(&at(newest)));
        }
    }

    #[test]
    fn php_source_is_never_taken_for_a_token_file() {
        for text in ["<?php\n$access_token = array('access_token' => 'a');\n?>", "<?php exit; ?>{}"]
        {
            assert!(parse(text).is_err_and(|why| way_out(&why).contains("in a loader")), "{text}");
        }
        assert!(parse("<?php exit();?>echo 1;").is_err());
    }

    #[test]
    fn a_serialized_expiry_of_zero_is_never() {
        let document = parse(r#"a:2:{s:5:"value";s:1:"a";s:7:"expired";i:0;}"#).unwrap();
        assert!(document.token().unwrap().is_valid(Timestamp::from_secs(i64::MAX / 2000)));
        assert!(parse(r#"a:1:{s:1:"x";i:0;}"#).is_err());
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// Layouts that a caller may name, or none.
        fn layouts() -> impl Strategy<Value = Option<Layout>> {
            let names: Vec<_> = Layout::NAMES.split(", ").map(str::trim).collect();
            proptest::option::of(proptest::sample::select(names))
                .prop_map(|name| name.and_then(Layout::by_name))
        }

        /// A file of any layout, with something done to it.
        fn files() -> impl Strategy<Value = Vec<u8>> {
            let whole = proptest::sample::select(LAYOUTS.to_vec()).prop_map(|(_, text, _)| text);
            let damage = (any::<proptest::sample::Index>(), any::<u8>(), 0..4_u8);
            let damaged =
                (whole, proptest::collection::vec(damage, 0..4)).prop_map(|(text, damage)| {
                    let mut bytes = text.as_bytes().to_vec();
                    for (place, byte, kind) in damage {
                        let at = place.index(bytes.len() + 1);
                        match kind {
                            0 => bytes.truncate(at),
                            1 => bytes.insert(at, byte),
                            2 => bytes.extend([0; 8]),
                            _ => {
                                if let Some(old) = bytes.get_mut(at) {
                                    *old = byte;
                                }
                            }
                        }
                    }
                    bytes
                });
            prop_oneof![4 => damaged, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
        }

        proptest! {
            // PROPTEST_CASES asks for more.
            #![proptest_config(ProptestConfig {
                cases: ProptestConfig::default().cases.max(2000),
                ..ProptestConfig::default()
            })]

            /// Whatever is accepted can be written, and is read back as it was written.
            #[test]
            fn what_is_written_is_read_back(bytes in files(), layout in layouts()) {
                let spec = FileSpec { layout, ..TOKEN };
                let Ok(document) = Document::parse(&bytes, spec, origin()) else { return Ok(()) };
                let reread = |content: Content| {
                    let written = content.modified.unwrap_or(WRITTEN);
                    let attributes = content.attribute.into_iter().collect();
                    Document::parse(&content.bytes, spec, Origin { written, attributes, ..origin() })
                };
                let stored = reread(document.with_token(&fresh(), &known(), None, NOW));
                prop_assert!(stored.is_ok(), "{:?}", stored.err());
                let stored = stored.unwrap();
                let token = stored.token().unwrap();
                prop_assert_eq!(&*token.value, "NEW");
                // Readers of a time of fetch, and of a duration, may trust it for less, never for more.
                prop_assert!(token.expiry <= fresh().expiry);
                prop_assert_eq!(stored.failure(), None);
                prop_assert_eq!(stored.record(), Some(known()));

                let failed = match document.with_failure(&record()) {
                    Some(content) => reread(content),
                    None => {
                        let attribute = document.attribute_with_failure(&record());
                        let attributes = attribute.into_iter().collect();
                        Document::parse(&bytes, spec, Origin { attributes, ..origin() })
                    }
                };
                prop_assert!(failed.is_ok(), "{:?}", failed.err());
                let failed = failed.unwrap();
                prop_assert_eq!(failed.token(), document.token());
                prop_assert_eq!(failed.failure(), Some(&record()));
            }
        }
    }
}
