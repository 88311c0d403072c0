//! The content of a token file: which format it has, what is in it, and how a write changes it.
//!
//! Only token, expiry and refresh state change, at the places where they stand: key order, spacing and
//! unknown keys survive to the byte. The content tells the format; a file that it does not tell is rejected.

mod json;
mod json_file;
mod layout;
mod plain_file;
mod refresh_state;
mod refusal;
mod serialized;
mod serialized_file;
mod spec;
mod splice;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use self::json_file::JsonFile;
use self::layout::GUARD;
use self::refresh_state::{Attribute, RefreshState};
use self::serialized_file::SerializedFile;
use crate::clock::Timestamp;
use crate::failure::FailureRecord;
use crate::record::Record;
use crate::token::{MAX_FOREIGN_LIFE, Token, is_token};

pub use self::layout::Layout;
pub use self::refusal::Refusal;
pub use self::spec::{CredentialKind, FileSpec};

/// What the file system tells of a file.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Its name, without the directory.
    pub name: String,
    /// When it was last modified.
    pub written: Timestamp,
    /// Its extended attribute, and what this process would have written into it if it could.
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
    /// Whether its readers ignore spaces at the end.
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

/// What is in a file.
enum Found {
    Kept {
        /// The format, and the places that a write changes.
        format: Format,
        /// A token that may be handed out, and its expiry.
        token: Option<(String, Timestamp)>,
        /// `None` where the format has no room for it.
        state: Option<RefreshState>,
    },
    /// Nothing to keep: a write makes the file anew.
    Nothing,
    /// The same, and a write or a copy of the file broke off.
    Truncated,
}

/// A file as its format reads it: what a write needs besides the [`Edit`].
#[derive(Clone)]
enum Format {
    Json(JsonFile),
    Serialized(SerializedFile),
    Plain,
}

impl Format {
    fn layout(&self) -> Layout {
        match self {
            Self::Json(file) => file.layout(),
            Self::Serialized(_) => Layout::Serialized,
            Self::Plain => Layout::Plain,
        }
    }
}

/// What a write changes.
struct Edit<'a> {
    /// Token and expiry; `None` keeps those of the file.
    token: Option<&'a Token>,
    /// The modification time from which durations in the file count: that of its token.
    at: Timestamp,
    /// The refresh state from now on.
    state: Option<String>,
}

/// A whole token file.
#[derive(Clone)]
pub struct Document {
    spec: FileSpec,
    origin: Origin,
    /// `None` while the file holds nothing.
    format: Option<Format>,
    /// The layout of a file that is made anew.
    new: Layout,
    token: Option<Token>,
    state: RefreshState,
    attributes: Vec<Attribute>,
    is_damaged: bool,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Document")
            .field("token", &self.token)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// A file with nothing in it.
    #[must_use]
    pub fn empty(spec: FileSpec, origin: Origin) -> Self {
        let new = layout_for_new(spec, &origin);
        Self::new(spec, origin, new, Found::Nothing)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Why this is not the file that is expected, and must not be overwritten.
    pub fn parse(bytes: &[u8], spec: FileSpec, origin: Origin) -> Result<Self, Refusal> {
        let (new, found) = recognize(bytes, spec, &origin)?;
        Ok(Self::new(spec, origin, new, found))
    }

    fn new(spec: FileSpec, origin: Origin, new: Layout, found: Found) -> Self {
        let attributes: Vec<_> =
            origin.attributes.iter().map(|text| Attribute::read(text)).collect();
        let is_damaged = matches!(found, Found::Truncated);
        let (format, token, state) = match found {
            Found::Kept { format, token, state } => (Some(format), token, state),
            Found::Nothing | Found::Truncated => (None, None, None),
        };
        let beside = || attributes.first().map(|attribute| attribute.state.clone());
        let mut state = state.or_else(beside).unwrap_or_default();
        let token = token.map(|(value, expiry)| state.token(value, expiry));
        // A failure that the content could not take stands in an attribute, and a later one in the content.
        let failures = attributes.iter().filter_map(|attribute| attribute.state.failure.as_ref());
        let newest = failures.chain(&state.failure).max_by_key(|failure| failure.failed_at);
        state.failure = newest.cloned();
        Self { spec, origin, format, new, token, state, attributes, is_damaged }
    }

    /// What the caller expects of the file.
    #[must_use]
    pub const fn spec(&self) -> FileSpec {
        self.spec
    }

    /// The token, if there is a usable one, valid or expired.
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
        self.state.failure.as_ref()
    }

    /// The moment before which a due token is not refreshed, if the last refresh set one.
    #[must_use]
    pub const fn refresh_not_before(&self) -> Option<Timestamp> {
        self.state.not_before
    }

    /// The layout of the file; `None` while it holds nothing.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        self.format.as_ref().map(Format::layout)
    }

    /// Whether the file was truncated: half written, or all NUL bytes.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The file with `token` in place of the old one, written at `now`, and without a failure record.
    /// A token that is due at once is not refreshed before `refresh_not_before`. `record` goes with it.
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
        let state = RefreshState { failure: None, not_before: refresh_not_before, long_expiry };
        self.written(Some((token, now)), &state, Some(record.to_json()))
    }

    /// The file with an earlier expiry of its own token, that of `token`, written at `now`; all else stays.
    pub(crate) fn with_expiry(&self, token: &Token, now: Timestamp) -> Content {
        self.written(Some((token, now)), &self.state, self.kept_record())
    }

    /// The file with `record` in place of the last failure; token and expiry stay. `None` if the content
    /// has no room for it.
    #[must_use]
    pub fn with_failure(&self, record: &FailureRecord) -> Option<Content> {
        self.has_room().then(|| self.written(None, &self.failed(record), self.kept_record()))
    }

    /// The extended attribute with `record` in place of the last failure.
    #[must_use]
    pub fn attribute_with_failure(&self, record: &FailureRecord) -> Option<String> {
        Attribute { state: self.failed(record), record: self.kept_record() }.to_text()
    }

    fn failed(&self, record: &FailureRecord) -> RefreshState {
        let long_expiry = self.state.long_expiry;
        RefreshState { failure: Some(record.clone()), not_before: None, long_expiry }
    }

    /// The record that stands beside the file, be it one that is not understood.
    fn kept_record(&self) -> Option<serde_json::Value> {
        let of_token = |attribute: &&Attribute| {
            self.token.as_ref().is_some_and(|token| attribute.record_of(token).is_some())
        };
        let kept = self.attributes.iter().find(of_token).or(self.attributes.first());
        kept.and_then(|attribute| attribute.record.clone())
    }

    /// Whether the content has room for a refresh state.
    fn has_room(&self) -> bool {
        self.layout().unwrap_or(self.new) != Layout::Plain
    }

    /// The file with `token`, if there is one, written at the moment beside it.
    fn written(
        &self,
        token: Option<(&Token, Timestamp)>,
        state: &RefreshState,
        record: Option<serde_json::Value>,
    ) -> Content {
        let (inside, beside) = if self.has_room() {
            (state.to_text(), RefreshState::default())
        } else {
            (None, state.clone())
        };
        let attribute = Attribute { state: beside, record }.to_text();
        let at = token.map_or(self.origin.written, |(_, now)| now);
        let edit = Edit { token: token.map(|(token, _)| token), at, state: inside };
        let format =
            self.format.as_ref().map_or_else(|| Cow::Owned(self.new_format()), Cow::Borrowed);
        let content = match &*format {
            Format::Json(file) => file.write(&edit),
            Format::Serialized(file) => file.write(&edit),
            Format::Plain => plain_file::write(edit.token),
        };
        Content { attribute, ..content }
    }

    fn new_format(&self) -> Format {
        match self.new {
            Layout::Json { expiry, guarded } => {
                Format::Json(JsonFile::new(self.spec.kind, expiry, guarded))
            }
            Layout::Serialized => Format::Serialized(SerializedFile::new(&self.origin.name)),
            Layout::Plain => Format::Plain,
        }
    }
}

fn layout_for_new(spec: FileSpec, origin: &Origin) -> Layout {
    let by_name = if origin.name.ends_with(".php") { Layout::GUARDED } else { Layout::DEFAULT };
    spec.layout.unwrap_or(by_name)
}

/// What `bytes` hold, and the layout that the file gets if that is nothing.
fn recognize(bytes: &[u8], spec: FileSpec, origin: &Origin) -> Result<(Layout, Found), Refusal> {
    let (new, written) = (layout_for_new(spec, origin), origin.written);
    let trimmed = trim(bytes);
    if trimmed.is_empty() {
        return Ok((new, if bytes.is_empty() { Found::Nothing } else { Found::Truncated }));
    }
    if spec.layout == Some(Layout::Plain) {
        return Ok((new, plain_file::read(trimmed, written)?));
    }
    // What json_encode() makes of a failed fetch. There is nothing in it to lose.
    if matches!(trimmed, b"null" | b"false" | b"[]" | b"{}" | b"\"\"") {
        return Ok((new, Found::Nothing));
    }
    let text = str::from_utf8(bytes).unwrap_or_default();
    if let Some(rest) = text.strip_prefix(GUARD) {
        let new = Layout::GUARDED;
        let (gap, json) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        return match trim(rest.as_bytes()).first() {
            None => Ok((new, Found::Truncated)),
            Some(b'{') => {
                Ok((new, JsonFile::read(format!("{GUARD}{gap}"), json, new, spec, written)?))
            }
            Some(_) => Err(Refusal::Foreign("after its guard there is no JSON object")),
        };
    }
    if trimmed.starts_with(b"{") {
        return Ok((new, JsonFile::read(String::new(), text, new, spec, written)?));
    }
    if is_serialized_array(trimmed) {
        return Ok((Layout::Serialized, SerializedFile::read(text)?));
    }
    Err(describe_unknown(trimmed))
}

/// `bytes` without the NUL bytes and white space around them, and without a byte order mark.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Whether `trimmed` begins as a serialized array does: `a:3:{`.
fn is_serialized_array(trimmed: &[u8]) -> bool {
    let rest = trimmed.strip_prefix(b"a:").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest.get(digits..).is_some_and(|rest| rest.starts_with(b":{"))
}

/// Why an unrecognized file is rejected.
fn describe_unknown(trimmed: &[u8]) -> Refusal {
    const SHORTEST_TOKEN: usize = 32;
    let is_token = |text: &str| text.len() >= SHORTEST_TOKEN && is_token(text);
    if trimmed.starts_with(b"<?") {
        Refusal::ambiguous(
            "it is PHP code, which wx_token never runs",
            "Pass the path of a JSON file, or write this file in a loader",
        )
    } else if str::from_utf8(trimmed).is_ok_and(is_token) {
        Refusal::ambiguous(
            "it seems to contain only a token",
            "Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification",
        )
    } else {
        Refusal::Foreign("it is neither JSON nor serialize() data")
    }
}
