//! The content of a token file: which format it has, what is in it, and how a write changes it.
//!
//! Only token, expiry and refresh state change, at the places where they stand: key order, spacing and
//! unknown keys survive to the byte. The content tells the format; a file that it does not tell is rejected.

mod content;
mod csv_file;
mod found;
mod guard;
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
mod unknown;

pub use self::content::Content;
use self::found::Found;
use self::guard::GUARD;
use self::keyed::Keyed;
use self::layout::Moments;
use self::refresh_state::RefreshState;
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
    prefix: String,
    suffix: String,
    token: Option<Token>,
    state: RefreshState,
    is_damaged: bool,
    attributes: Vec<RefreshState>,
}

impl Document {
    pub fn empty(spec: FileSpec, origin: Origin) -> Self {
        let layout = layout_for_new(spec, &origin);
        let found = Found::nothing(layout, layout.prefix());
        let attributes = read_attributes(&origin);
        Self::new(spec, origin, found, attributes)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Why this is not the file that is expected, and must not be overwritten.
    pub fn parse(bytes: &[u8], spec: FileSpec, origin: Origin) -> Result<Self, Refusal> {
        let attributes = read_attributes(&origin);
        let found = recognize(bytes, spec, &origin, &attributes)?;
        Ok(Self::new(spec, origin, found, attributes))
    }

    fn new(spec: FileSpec, origin: Origin, found: Found, attributes: Vec<RefreshState>) -> Self {
        let Found { layout, file, prefix, suffix, token, state, is_damaged } = found;
        let mut state = state.or_else(|| attributes.first().cloned()).unwrap_or_default();
        let token = token.map(|(value, expiry)| state.token(value, expiry));
        // A failure that the content could not take stands in an attribute, and a later one in the content.
        let failures = attributes.iter().filter_map(|attribute| attribute.failure.as_ref());
        let newest = failures.chain(&state.failure).max_by_key(|failure| failure.failed_at);
        state = RefreshState { failure: newest.cloned(), record: None, ..state };
        Self { spec, origin, layout, file, prefix, suffix, token, state, is_damaged, attributes }
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
        let records = self.attributes.iter().filter_map(RefreshState::record);
        records.into_iter().find(|record| record.is_of(&token.value))
    }

    pub const fn failure(&self) -> Option<&FailureRecord> {
        self.state.failure.as_ref()
    }

    /// The moment before which a due token is not refreshed, if the last refresh set one.
    pub const fn refresh_not_before(&self) -> Option<Timestamp> {
        self.state.not_before
    }

    /// What the layout of the file is called; `None` while it holds nothing. A caller can name it so, but for one with
    /// several expiries and for a guard.
    pub fn layout(&self) -> Option<String> {
        let is_any = self.file.is_some() || self.token.is_some();
        is_any.then(|| self.file.as_ref().map_or_else(|| self.layout.name(), Keyed::layout_name))
    }

    /// Whether what stands before the token ends a web server that runs the file as PHP code.
    pub(crate) fn is_guarded(&self) -> bool {
        match &self.file {
            Some(file) => file.is_guarded(),
            None => !self.layout.prefix().is_empty(),
        }
    }

    /// The keys under which a write changes something, but for the refresh state.
    pub fn written_keys(&self) -> impl Iterator<Item = &'static str> {
        self.file.iter().flat_map(Keyed::keys)
    }

    /// Whether the file was truncated: half written, or all NUL bytes.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether a file of this layout can hold `token`, so that it is read back, and never runs as code.
    pub fn can_hold(&self, token: &str) -> bool {
        match self.layout {
            Layout::Json { .. } | Layout::TokenExpires => true,
            Layout::Serialized => !token.contains('<'),
            Layout::Plain | Layout::Csv { .. } => plain_file::is_alone(token),
        }
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
        let mut state = RefreshState { not_before, ..RefreshState::default() };
        if is_long || self.counts_from_modification() {
            state = state.with_expiry(token);
        }
        let moments = Moments::new(token.expiry, record.asked_at, now);
        self.written(Some((token, moments)), state, Some(record.to_json()))
    }

    /// The file with an earlier expiry of its own token, that of `token`, written at `now`; all else stays.
    pub(crate) fn with_expiry(&self, token: &Token, now: Timestamp) -> Content {
        let mut state = self.state.clone();
        if state.expiry.is_some() || self.counts_from_modification() {
            state = state.with_expiry(token);
        }
        let record = self.record().map(|record| record.until(token.expiry).to_json());
        let moments = Moments::new(token.expiry, now, now);
        self.written(Some((token, moments)), state, record.or_else(|| self.kept_record()))
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
        let failure = Some(record.clone());
        RefreshState { failure, not_before: None, record: None, ..self.state.clone() }
    }

    /// The record that stands beside the file, be it one that is not understood.
    fn kept_record(&self) -> Option<serde_json::Value> {
        let is_of = |token: &Token, attribute: &RefreshState| {
            attribute.record().is_some_and(|record| record.is_of(&token.value))
        };
        let of_token = |attribute: &&RefreshState| {
            self.token.as_ref().is_some_and(|token| is_of(token, attribute))
        };
        let kept = self.attributes.iter().find(of_token).or(self.attributes.first());
        kept.and_then(|attribute| attribute.record.clone())
    }

    /// Whether the content has room for a refresh state.
    const fn has_room(&self) -> bool {
        !matches!(self.layout, Layout::Plain | Layout::Csv { .. })
    }

    /// The file as keys, if it is one of those, made anew where there is nothing to keep.
    fn keyed(&self) -> Option<Keyed> {
        let new = || match self.layout {
            Layout::Json { .. } | Layout::TokenExpires => {
                Some(json_file::new(self.spec.kind, self.layout, self.prefix.clone()))
            }
            Layout::Serialized => Some(serialized_file::new(&self.origin.name)),
            Layout::Plain | Layout::Csv { .. } => None,
        };
        self.file.clone().or_else(new)
    }

    fn counts_from_modification(&self) -> bool {
        let is_plain = self.layout == Layout::Plain;
        self.keyed().map_or(is_plain, |file| file.counts_from_modification())
    }

    /// The file with `token`, if there is one, written at the moments beside it.
    fn written(
        &self,
        token: Option<(&Token, Moments)>,
        state: RefreshState,
        record: Option<serde_json::Value>,
    ) -> Content {
        let (inside, beside) = if self.has_room() {
            (state.to_text(), RefreshState::default())
        } else {
            (None, state)
        };
        let attribute = RefreshState { record, ..beside }.to_text();
        let modified = token.map_or(self.origin.written, |(_, moments)| moments.written);
        let content = match (self.keyed(), self.layout) {
            (Some(file), _) => file.write(token, modified, inside.as_deref()),
            (None, Layout::Csv { moment, is_millis }) => csv_file::write(token, moment, is_millis),
            (None, _) => plain_file::write(token.map(|(token, _)| token)),
        };
        let bytes = [content.bytes, self.suffix.clone().into_bytes()].concat();
        Content { attribute, bytes, ..content }
    }
}

fn read_attributes(origin: &Origin) -> Vec<RefreshState> {
    origin.attributes.iter().map(|text| RefreshState::read(text)).collect()
}

fn layout_for_new(spec: FileSpec, origin: &Origin) -> Layout {
    let by_name = if origin.name.ends_with(".php") { Layout::GUARDED } else { Layout::DEFAULT };
    spec.layout.unwrap_or(by_name)
}

fn recognize(
    bytes: &[u8],
    spec: FileSpec,
    origin: &Origin,
    attributes: &[RefreshState],
) -> Result<Found, Refusal> {
    let (new, written) = (layout_for_new(spec, origin), origin.written);
    let trimmed = trim(bytes);
    if trimmed.is_empty() {
        let found = if bytes.is_empty() { Found::nothing } else { Found::truncated };
        return Ok(found(new, new.prefix()));
    }
    if let Some(state) = nothing(trimmed) {
        return Ok(Found { state, ..Found::nothing(new, new.prefix()) });
    }
    let (Some(text), Some(plain)) = (as_text(bytes), as_text(trimmed)) else {
        return Err(unknown::not_utf8(bytes));
    };
    let suffix = text.trim_start().strip_prefix(plain).unwrap_or_default();
    let with_end = |found| Found { suffix: suffix.to_owned(), ..found };
    let (guard, content) = guard::split(text);
    let behind_guard = trim(content.as_bytes());
    let guard = if guard::is_torn(plain) { GUARD } else { guard };
    if !guard.is_empty() {
        // Where a layout has no room for a guard, an empty one is nothing to keep.
        let (new, guard) = match spec.layout {
            None => (Layout::GUARDED, guard),
            Some(new @ (Layout::Json { .. } | Layout::TokenExpires)) => (new, guard),
            Some(new) => (new, ""),
        };
        if behind_guard.is_empty() || guard::is_torn(plain) {
            return Ok(Found::truncated(new, guard));
        }
        if let Some(state) = nothing(behind_guard) {
            return Ok(Found { state, ..Found::nothing(new, guard) });
        }
    }
    if spec.layout == Some(Layout::Plain) {
        return plain_file::read(plain, written).map(with_end);
    }
    let records: Vec<_> = attributes.iter().filter_map(RefreshState::record).collect();
    let read_json = |prefix: &str, new| {
        let (gap, json) = content.split_at(content.find('{').unwrap_or(content.len()));
        json_file::read(format!("{prefix}{gap}"), json, new, spec, written, &records)
    };
    if !guard.is_empty() {
        let is_json = matches!(spec.layout, Some(Layout::Json { .. } | Layout::TokenExpires));
        return if behind_guard.starts_with(b"{") {
            read_json(guard, if is_json { new } else { Layout::GUARDED })
        } else {
            Err(unknown::behind_guard(content.trim()))
        };
    }
    if trimmed.starts_with(b"{") {
        return read_json("", new);
    }
    if unknown::is_serialized_array(bytes) {
        return serialized_file::read(text, spec.kind);
    }
    let found = csv_file::read(plain, spec.layout);
    found.map_or_else(|| Err(unknown::describe(plain)), |found| found.map(with_end))
}

/// `bytes` as text, without a character at the end that is torn.
fn as_text(bytes: &[u8]) -> Option<&str> {
    match str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|whole| str::from_utf8(whole).ok())
        }
        Err(_) => None,
    }
}

/// The refresh state of a file with nothing else to lose: what `json_encode()` makes of a failed fetch, WeChat's error, and
/// what this extension leaves of a fetch that failed in a new file. The outer `None` if there is more.
fn nothing(trimmed: &[u8]) -> Option<Option<RefreshState>> {
    if matches!(trimmed, b"null" | b"false" | b"[]" | b"{}" | b"\"\"" | b"0") {
        return Some(None);
    }
    str::from_utf8(trimmed).ok().and_then(json_file::state_alone)
}

/// `bytes` without the NUL bytes and white space around them, and without a byte order mark.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}
