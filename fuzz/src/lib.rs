//! What must hold for whatever others give the extension to read. `make test-fuzz` looks for bytes that
//! break it; `fuzz/tests/corpus.rs` replays those that are kept in `corpus/`.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a promise that is broken ends the run"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value};
use wx_token_core::clock::{SystemClock, Timestamp};
use wx_token_core::failure::{Cause, Failure, FailureRecord, Requester};
use wx_token_core::fingerprint::Fingerprint;
use wx_token_core::record::Record;
use wx_token_core::secret::Secret;
use wx_token_core::status::{self, Status};
use wx_token_core::store::reply::{self, Answer, Reply};
use wx_token_core::token::{Token, is_token};
use wx_token_core::token_file::{Content, CredentialKind, Document, FileSpec, Layout, Origin};
use wx_token_core::wechat::answer::{self, AnswerError};

const WRITTEN: Timestamp = Timestamp::from_secs(1_600_000_000);
const EXPIRY: Timestamp = Timestamp::from_secs(1_700_000_000);
const SUBJECTS: [CredentialKind; 4] = [
    CredentialKind::AccessToken,
    CredentialKind::JsapiTicket,
    CredentialKind::CardTicket,
    CredentialKind::AgentConfigTicket,
];

/// A token file: what is accepted can be written; it then holds what was written, and everything else
/// that it held before.
pub fn document(bytes: &[u8]) {
    let mut seen = Vec::new();
    for layout in [None].into_iter().chain(Layout::all().map(Some)) {
        for kind in SUBJECTS {
            let spec = FileSpec { kind, layout };
            let Some(document) = parse(bytes, spec, WRITTEN, None) else { continue };
            // What the content tells, the option does not change.
            let of_new = layout.filter(|_| bytes.is_empty()).map(Layout::name);
            let kind = (kind, document.layout().or(of_new));
            if !seen.contains(&kind) {
                assert!(document.token().is_none_or(|token| is_token(&token.value)));
                takes_a_token(bytes, &document);
                takes_a_failure(bytes, &document);
                seen.push(kind);
            }
        }
    }
}

fn parse(
    bytes: &[u8],
    spec: FileSpec,
    written: Timestamp,
    attribute: Option<String>,
) -> Option<Document> {
    let attributes = attribute.into_iter().collect();
    Document::parse(bytes, spec, Origin { name: "token.json".into(), written, attributes }).ok()
}

fn reparse(content: Content, of: &Document) -> Document {
    let written = content.modified.unwrap_or(WRITTEN);
    let read = |bytes: &[u8]| {
        let document = parse(bytes, of.spec(), written, content.attribute.clone());
        document.expect("what was written is read back")
    };
    let document = read(&content.bytes);
    if content.may_be_padded {
        let padded = read(&[content.bytes.as_slice(), b"     "].concat());
        assert_eq!(padded.token(), document.token());
        assert_eq!(padded.failure(), document.failure());
    }
    document
}

fn takes_a_token(bytes: &[u8], document: &Document) {
    for value in ["NEW", "<?=`id`?>", "NEW-0123456789abcdef"] {
        if !document.can_hold(value) {
            continue;
        }
        let token = Token::own(value, EXPIRY);
        let known = Record::new(&token, None, WRITTEN);
        let content = document.with_token(&token, &known, None, WRITTEN);
        keeps_the_rest(bytes, &content.bytes, document);
        let stored = reparse(content.clone(), document);
        let read = stored.token().unwrap_or_else(|| {
            panic!(
                "the token: {:?} as {:?} {:?} {:?}",
                String::from_utf8_lossy(bytes),
                document.layout(),
                document.spec(),
                String::from_utf8_lossy(&content.bytes)
            )
        });
        assert_eq!(read.value, token.value);
        assert!(read.expiry <= token.expiry, "a token is trusted for too long");
        assert!(read.is_valid(WRITTEN), "a token that is alive is taken for dead");
        assert_eq!(stored.failure(), None);
        assert_eq!(stored.record().as_ref(), Some(&known));

        let again = stored.with_token(&token, &known, None, WRITTEN);
        assert_eq!(again.bytes, content.bytes, "a rewrite changes nothing more");
        let resting = document.with_token(&token, &known, Some(EXPIRY), WRITTEN);
        let resting = reparse(resting, document);
        assert_eq!(resting.refresh_not_before(), Some(EXPIRY));
    }
}

fn requester() -> Requester {
    Requester {
        account: Fingerprint::from_hex("account"),
        route: Fingerprint::from_hex("direct"),
        owner: None,
        endpoint: "stable",
        ticket: None,
        describe: Cause::to_string,
    }
}

fn takes_a_failure(bytes: &[u8], document: &Document) {
    let failure = Failure::network("<?=`id`?> \"quoted\" 失败");
    // The latest counts, wherever it stands.
    let before = document.failure().map_or(WRITTEN, |failure| failure.failed_at.max(WRITTEN));
    let now = before + Duration::from_millis(1);
    let record = FailureRecord::new(failure, &requester(), document.failure(), now);
    let beside = document.attribute_with_failure(&record);
    let inside = document.with_failure(&record).map(|content| reparse(content, document));
    let beside = parse(bytes, document.spec(), WRITTEN, beside).expect("the same content");
    for failed in inside.into_iter().chain([beside]) {
        assert_eq!(failed.token(), document.token());
        assert_eq!(failed.failure(), Some(&record));
    }
}

/// In JSON, members other than token, expiry and note are as they were, and no code has come in.
fn keeps_the_rest(before: &[u8], after: &[u8], document: &Document) {
    let written: Vec<_> = document.written_keys().collect();
    if written.is_empty() {
        return;
    }
    assert!(openings(after) <= openings(before), "code has come in");
    let (Some(before), Some(after)) = (members(before), members(after)) else { return };
    let keys = before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>();
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let foreign: Vec<_> = changed
        .filter(|key| !written.contains(&key.as_str()) && key.as_str() != "wx_token")
        .collect();
    let is_kept_here = |key: &&String| key.ends_with("token") || key.ends_with("ticket");
    assert!(foreign.len() <= 1 && foreign.iter().all(is_kept_here), "{foreign:?} changed");
}

fn openings(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|pair| pair == b"<?").count()
}

fn members(bytes: &[u8]) -> Option<Map<String, Value>> {
    let start = bytes.iter().position(|byte| *byte == b'{')?;
    serde_json::from_slice(&bytes[start..]).ok()
}

/// What a file's status may show of a token is nothing.
const SHOWS: usize = 16;

/// Any file: its status never fails, and never shows the token.
pub fn status(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token.json");
    fs::write(&file, bytes).expect("a file");
    let mut status = status::read(&file, None, Duration::from_secs(300), None, &SystemClock);
    assert!(status.exists);
    agrees_with_calls(&file, bytes, &status);
    // Whoever wrote the file may have written the token into the record, too.
    status.failure = None;
    let shown = format!("{status:?}");
    for kind in SUBJECTS {
        let document = parse(bytes, FileSpec { kind, layout: None }, WRITTEN, None);
        let token = document.as_ref().and_then(Document::token);
        if let Some(token) = token.filter(|token| token.value.len() >= SHOWS) {
            assert!(!shown.contains(&*token.value), "{shown}");
            assert!(!format!("{token:?}").contains(&*token.value));
        }
    }
    assert_eq!(fs::read(&file).ok().as_deref(), Some(bytes), "it only looks");
}

/// A status says of a file what some call would: that it is refused, or when its token expires.
fn agrees_with_calls(file: &Path, bytes: &[u8], status: &Status) {
    let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).expect("a time");
    let modified = modified.duration_since(UNIX_EPOCH).expect("a time after 1970");
    let written = Timestamp::from_millis(i64::try_from(modified.as_millis()).expect("a time"));
    let parse = |kind| parse(bytes, FileSpec { kind, layout: None }, written, None);
    let calls: Vec<_> = SUBJECTS.into_iter().filter_map(parse).collect();
    let is_usable = status.state.name() != "unusable";
    assert_eq!(is_usable, !calls.is_empty(), "{:?}", status.error);
    let says = |call: &Document| call.token().map(|token| token.expiry) == status.expiry;
    assert!(!is_usable || calls.iter().any(says), "{status:?}");
}

/// What a server sends that is taken for Redis: an answer within its bounds, which is the same however it arrives; or a
/// reason why it is none.
pub fn reply(bytes: &[u8]) {
    for limits in [reply::LIMITS, reply::ROLE_LIMITS] {
        let whole = reply::decode(bytes, limits);
        if let Ok(Some((answer, length))) = &whole {
            assert!(*length <= bytes.len() && *length <= reply::MAX_REPLY);
            if let Answer::Reply(answer) = answer {
                assert!(depth(answer) <= limits.depth && elements(answer) <= limits.elements);
            }
            assert_eq!(reply::decode(&bytes[..*length], limits), whole, "without what follows");
            let part = reply::decode(&bytes[..length / 2], limits);
            assert_eq!(part, Ok(None), "half of it is not yet an answer");
        }
    }
}

fn depth(answer: &Reply) -> usize {
    match answer {
        Reply::Array(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn elements(answer: &Reply) -> usize {
    match answer {
        Reply::Array(parts) => parts.len() + parts.iter().map(elements).sum::<usize>(),
        _ => 0,
    }
}

/// A secret that a mutation of the corpus can hit upon: the answers in it hold it.
const SECRET: &str = "5ecre7";

/// Any answer of an upstream: a token with a life, or a failure without the secret.
pub fn answer(bytes: &[u8]) {
    for granted in ["access_token", "ticket"] {
        match answer::read(bytes, granted, &Secret::new(SECRET)) {
            Ok(grant) => {
                let (token, expiry) = grant.into_parts(EXPIRY);
                assert!(is_token(&token) && token.len() <= 4096);
                assert!(expiry > EXPIRY);
            }
            Err(error) => {
                let failure = match error {
                    AnswerError::Failure(failure) => failure,
                    AnswerError::Unusable(why) => Failure::network(why),
                };
                let record = FailureRecord::new(failure, &requester(), None, WRITTEN);
                let json = record.to_json();
                assert!(!json.to_string().contains(SECRET), "{json}");
                assert_eq!(FailureRecord::from_json(&json), Some(record.clone()));
                let wechat = json.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                assert!(!wechat.contains(char::is_control) && wechat.chars().count() <= 300);
            }
        }
    }
}
