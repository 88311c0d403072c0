//! The content of a token file: which format it has, what is in it, and how a write changes it.
//!
//! Only token, expiry and refresh state change, at the places where they stand: key order, spacing and
//! unknown keys survive to the byte. The content tells the format; a file that it does not tell is rejected.

mod content;
mod found;
mod json;
mod json_file;
mod keyed;
mod layout;
mod members;
mod plain_file;
mod refresh_state;
mod refusal;
mod serialized;
mod serialized_file;
mod spec;
#[cfg(test)]
mod tests;

pub use self::content::Content;
use self::found::Found;
use self::keyed::Keyed;
use self::layout::GUARD;
use self::refresh_state::RefreshState;
use self::refusal::looks_like_token;
use crate::clock::Timestamp;
use crate::failure::FailureRecord;
use crate::record::Record;
use crate::token::{MAX_FOREIGN_LIFE, Token};

pub use self::layout::Layout;
pub use self::refusal::Refusal;
pub use self::spec::{CredentialKind, FileSpec};

#[derive(Debug, Clone)]
pub struct Origin {
    pub name: String,
    pub written: Timestamp,
    /// Its extended attribute, and what this process would have written into it if it could.
    pub attributes: Vec<String>,
}

#[derive(Clone)]
pub struct Document {
    spec: FileSpec,
    origin: Origin,
    layout: Layout,
    file: Option<Keyed>,
    token: Option<Token>,
    state: RefreshState,
    is_damaged: bool,
    attributes: Vec<RefreshState>,
}

impl Document {
    pub fn empty(spec: FileSpec, origin: Origin) -> Self {
        let found = Found::nothing(layout_for_new(spec, &origin));
        Self::new(spec, origin, found)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Why this is not the file that is expected, and must not be overwritten.
    pub fn parse(bytes: &[u8], spec: FileSpec, origin: Origin) -> Result<Self, Refusal> {
        let found = recognize(bytes, spec, &origin)?;
        Ok(Self::new(spec, origin, found))
    }

    fn new(spec: FileSpec, origin: Origin, found: Found) -> Self {
        let attributes: Vec<_> =
            origin.attributes.iter().map(|text| RefreshState::read(text)).collect();
        let Found { layout, file, token, state, is_damaged } = found;
        let mut state = state.or_else(|| attributes.first().cloned()).unwrap_or_default();
        let token = token.map(|(value, expiry)| state.token(value, expiry));
        // A failure that the content could not take stands in an attribute, and a later one in the content.
        let failures = attributes.iter().filter_map(|attribute| attribute.failure.as_ref());
        let newest = failures.chain(&state.failure).max_by_key(|failure| failure.failed_at);
        state = RefreshState { failure: newest.cloned(), record: None, ..state };
        Self { spec, origin, layout, file, token, state, is_damaged, attributes }
    }

    pub const fn spec(&self) -> FileSpec {
        self.spec
    }

    /// The token, if there is a usable one, valid or expired.
    pub const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    pub fn record(&self) -> Option<Record> {
        let token = self.token.as_ref()?;
        self.attributes.iter().find_map(|attribute| attribute.record_of(token))
    }

    pub const fn failure(&self) -> Option<&FailureRecord> {
        self.state.failure.as_ref()
    }

    /// The moment before which a due token is not refreshed, if the last refresh set one.
    pub const fn refresh_not_before(&self) -> Option<Timestamp> {
        self.state.not_before
    }

    /// The layout of the file; `None` while it holds nothing.
    pub fn layout(&self) -> Option<Layout> {
        (self.file.is_some() || self.token.is_some()).then_some(self.layout)
    }

    /// Whether the file was truncated: half written, or all NUL bytes.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The file with `token` in place of the old one, written at `now`, and without a failure record.
    /// A token that is due at once is not refreshed before `not_before`. `record` goes with it.
    pub fn with_token(
        &self,
        token: &Token,
        record: &Record,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Content {
        let is_long = token.expiry.since(now) > MAX_FOREIGN_LIFE;
        let long_expiry = is_long.then_some(token.expiry);
        let state = RefreshState { not_before, long_expiry, ..RefreshState::default() };
        self.written(Some((token, now)), state, Some(record.to_json()))
    }

    /// The file with an earlier expiry of its own token, that of `token`, written at `now`; all else stays.
    pub(crate) fn with_expiry(&self, token: &Token, now: Timestamp) -> Content {
        self.written(Some((token, now)), self.state.clone(), self.kept_record())
    }

    /// The file with `record` in place of the last failure; token and expiry stay. `None` if the content
    /// has no room for it.
    pub fn with_failure(&self, record: &FailureRecord) -> Option<Content> {
        self.has_room().then(|| self.written(None, self.failed(record), self.kept_record()))
    }

    /// The extended attribute with `record` in place of the last failure.
    pub fn attribute_with_failure(&self, record: &FailureRecord) -> Option<String> {
        RefreshState { record: self.kept_record(), ..self.failed(record) }.to_text()
    }

    fn failed(&self, record: &FailureRecord) -> RefreshState {
        let (failure, long_expiry) = (Some(record.clone()), self.state.long_expiry);
        RefreshState { failure, long_expiry, ..RefreshState::default() }
    }

    /// The record that stands beside the file, be it one that is not understood.
    fn kept_record(&self) -> Option<serde_json::Value> {
        let of_token = |attribute: &&RefreshState| {
            self.token.as_ref().is_some_and(|token| attribute.record_of(token).is_some())
        };
        let kept = self.attributes.iter().find(of_token).or(self.attributes.first());
        kept.and_then(|attribute| attribute.record.clone())
    }

    fn has_room(&self) -> bool {
        self.layout != Layout::Plain
    }

    /// The file with `token`, if there is one, written at the moment beside it.
    fn written(
        &self,
        token: Option<(&Token, Timestamp)>,
        state: RefreshState,
        record: Option<serde_json::Value>,
    ) -> Content {
        let (inside, beside) = if self.has_room() {
            (state.to_text(), RefreshState::default())
        } else {
            (None, state)
        };
        let attribute = RefreshState { record, ..beside }.to_text();
        let at = token.map_or(self.origin.written, |(_, now)| now);
        let (token, state) = (token.map(|(token, _)| token), inside.as_deref());
        let content = match (&self.file, self.layout) {
            (Some(file), _) => file.write(token, at, state),
            (None, Layout::Json { expiry, guarded }) => {
                json_file::new(self.spec.kind, expiry, guarded).write(token, at, state)
            }
            (None, Layout::Serialized) => {
                serialized_file::new(&self.origin.name).write(token, at, state)
            }
            (None, Layout::Plain) => plain_file::write(token),
        };
        Content { attribute, ..content }
    }
}

fn layout_for_new(spec: FileSpec, origin: &Origin) -> Layout {
    let by_name = if origin.name.ends_with(".php") { Layout::GUARDED } else { Layout::DEFAULT };
    spec.layout.unwrap_or(by_name)
}

fn recognize(bytes: &[u8], spec: FileSpec, origin: &Origin) -> Result<Found, Refusal> {
    let (new, written) = (layout_for_new(spec, origin), origin.written);
    let trimmed = trim(bytes);
    if trimmed.is_empty() {
        return Ok(if bytes.is_empty() { Found::nothing(new) } else { Found::truncated(new) });
    }
    if spec.layout == Some(Layout::Plain) {
        return plain_file::read(trimmed, written);
    }
    // What json_encode() makes of a failed fetch. There is nothing in it to lose.
    if matches!(trimmed, b"null" | b"false" | b"[]" | b"{}" | b"\"\"") {
        return Ok(Found::nothing(new));
    }
    let text = str::from_utf8(bytes).unwrap_or_default();
    if let Some(rest) = text.strip_prefix(GUARD) {
        let (gap, json) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
        return match trim(rest.as_bytes()).first() {
            None => Ok(Found::truncated(Layout::GUARDED)),
            Some(b'{') => {
                json_file::read(format!("{GUARD}{gap}"), json, Layout::GUARDED, spec, written)
            }
            Some(_) => Err(Refusal::Foreign("after its guard there is no JSON object")),
        };
    }
    if trimmed.starts_with(b"{") {
        return json_file::read(String::new(), text, new, spec, written);
    }
    if is_serialized_array(trimmed) {
        return serialized_file::read(text);
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

fn is_serialized_array(trimmed: &[u8]) -> bool {
    let rest = trimmed.strip_prefix(b"a:").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest.get(digits..).is_some_and(|rest| rest.starts_with(b":{"))
}

fn describe_unknown(trimmed: &[u8]) -> Refusal {
    if trimmed.starts_with(b"<?") {
        Refusal::ambiguous(
            "it is PHP code, which wx_token never runs",
            "Pass the path of a JSON file, or write this file in a loader",
        )
    } else if str::from_utf8(trimmed).is_ok_and(looks_like_token) {
        Refusal::ambiguous(
            "it seems to contain only a token",
            "Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification",
        )
    } else {
        Refusal::Foreign("it is neither JSON nor serialize() data")
    }
}
