//! Every format and layout: recognized, changed, and read back.

use std::time::Duration;

use super::layout::PLAIN_LIFE;
use super::refresh_state::STATE;
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
fn way_out(why: &Refusal) -> &str {
    match why {
        Refusal::Ambiguous { remedy, .. } => remedy,
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

/// A token that a text file can hold.
const TEXT_TOKEN: &str = "NEW-0123456789abcdef";

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
        endpoint: "stable",
        ticket: None,
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
fn a_foreign_file_is_rejected() {
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
fn truncated_content_is_damaged_and_replaced_as_a_whole() {
    for text in [r#"{"access_token":"easWas"#, "\0\0\0\0", "{", "{\"access_token\":\"a\"}}"] {
        let document = parse(text);
        assert!(document.as_ref().is_ok_and(Document::is_damaged), "{text:?}");
        assert_eq!(rewritten(text), r#"{"access_token":"NEW","expire":1700000000}"#);
    }
}

#[test]
fn of_torn_json_every_whole_member_but_the_token_stays() {
    for (torn, repaired) in [
        (
            r#"{"appid":"wx1","access_token":"old","expire_time":1588219064"#,
            r#"{"appid":"wx1","access_token":"NEW","expire":1700000000}"#,
        ),
        (
            r#"{"access_token":"old","expire_time":1588219064,"note":"#,
            r#"{"access_token":"NEW","expire_time":1700000000}"#,
        ),
        (r#"{"appid":"wx1","secret":"s","access_tok"#, ""),
        (
            r#"{"appid":"wx1","secret":"s","access_token":"ol"#,
            r#"{"appid":"wx1","secret":"s","access_token":"NEW","expire":1700000000}"#,
        ),
        (
            r#"{"expires_in":7200,"time":1588219064,"access_token":"old"}64}"#,
            r#"{"expires_in":7200,"time":1699992800,"access_token":"NEW"}"#,
        ),
        (
            "{\"access_token\":\"old\",\"expire_time\":1588219064}\0\0\0",
            r#"{"access_token":"NEW","expire_time":1700000000}"#,
        ),
        // Neither is a torn file of ours.
        (r#"{"name":"vendor/package","require":{"php":"8"}"#, ""),
        (r#"{"wx1":{"access_token":"a","expire":5},"wx2":{"access_tok"#, ""),
    ] {
        if repaired.is_empty() {
            assert!(parse(torn).is_err(), "{torn}");
            continue;
        }
        let document = parse(torn).unwrap();
        assert!(document.is_damaged() && document.token().is_none(), "{torn}");
        assert_eq!(rewritten(torn), repaired);
        let failed = document.with_failure(&record()).unwrap();
        let again = str::from_utf8(&failed.bytes).unwrap();
        assert_eq!(parse(again).unwrap().token(), None, "{again}");
    }
}

#[test]
fn json_that_is_invalid_and_not_torn_is_left_as_it_is() {
    for text in [
        r#"{"appid":"wx1","access_token":"a","expire_time":5,}"#,
        "{\n// a note\n\"access_token\":\"\",\"db\":\"x\"}",
        r#"{"access_token":"a","expire":5}{"access_token":"b","expire":5}"#,
        r#"{"access_token":"a","expire":5} // of the shop"#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(
        Document::parse(b"{\"access_token\":\"\xC4\xE3\",\"expire\":5}", TOKEN, origin()).is_err()
    );
}

#[test]
fn what_a_failed_fetch_has_left_is_repaired_in_the_layout_that_is_named() {
    let rewritten_as = |text: &str, layout: Option<&str>| {
        let spec = FileSpec { layout: layout.and_then(Layout::by_name), ..TOKEN };
        let document = parse_as(text, spec).ok()?;
        let content = document.with_token(&fresh(), &known(), None, NOW);
        Some(String::from_utf8(content.bytes).unwrap())
    };
    let error = r#""errcode":40013,"errmsg":"invalid access_token""#;
    for (text, layout, repaired) in [
        (
            r#"{"time":1588219064}"#.to_owned(),
            Some("time+expires_in"),
            r#"{"time":1699992800,"access_token":"NEW","expires_in":7200}"#,
        ),
        (
            format!("{{{error},\"time\":1588219064}}"),
            Some("time+expires_in"),
            r#"{"time":1699992800,"access_token":"NEW","expires_in":7200}"#,
        ),
        (
            r#"{"time":1588219064}"#.to_owned(),
            Some("time:expiry"),
            r#"{"time":1700000000,"access_token":"NEW"}"#,
        ),
        (
            format!("{{{error},\"expire_time\":1588219064}}"),
            None,
            r#"{"expire_time":1700000000,"access_token":"NEW"}"#,
        ),
        (
            format!("{{{error},\"expires_in\":7200,\"time\":\"1588219064\"}}"),
            None,
            r#"{"expires_in":7200,"time":"1699992800","access_token":"NEW"}"#,
        ),
        (format!("{{{error}}}"), Some("token+expires"), r#"{"token":"NEW","expires":1700000000}"#),
    ] {
        assert_eq!(rewritten_as(&text, layout).as_deref(), Some(repaired), "{text}");
    }
    for (text, layout) in [
        (r#"{"time":1588219064}"#, None),
        (r#"{"time":1588219064}"#, Some("expire")),
        (r#"{"errcode":0,"errmsg":"ok","time":1588219064}"#, Some("time+expires_in")),
    ] {
        assert_eq!(rewritten_as(text, layout), None, "{text}");
    }
}

#[test]
fn a_file_with_nothing_but_our_failure_takes_any_layout_that_is_named_later() {
    let named = |name: &'static str| FileSpec { layout: Layout::by_name(name), ..TOKEN };
    let first = [None, Layout::by_name("token+expires"), Layout::by_name("guarded")];
    for layout in first {
        let failed = Document::empty(FileSpec { layout, ..TOKEN }, origin());
        let left = failed.with_failure(&record()).unwrap();
        for name in ["plain", "serialize", "csv", "token+expires", "expire_time", "time+expires_in"]
        {
            let read = Document::parse(&left.bytes, named(name), origin()).unwrap();
            assert_eq!(read.failure(), Some(&record()), "{name}");
            let token = Token::own(TEXT_TOKEN, fresh().expiry);
            let new = read.with_token(&token, &known(), None, NOW).bytes;
            let new = String::from_utf8(new).unwrap();
            let alone =
                Document::empty(named(name), origin()).with_token(&token, &known(), None, NOW);
            let alone = String::from_utf8(alone.bytes).unwrap();
            let guard = new.strip_prefix("<?php exit();?>");
            assert_eq!(guard.unwrap_or(&new), alone, "{name}");
            assert!(guard.is_none() || name.contains("expire"), "{name}");
        }
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
    let text =
        "{ \"a\" : 1.0,\n\t\"expire\": \"5\", \"n\\u0061\":[ 1,2 ], \"access_token\" :\"x\" }\n";
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
fn a_failure_record_is_removed_without_a_trace() {
    let document = parse(TOKEN_FILE).unwrap();
    let failed = reparse(document.with_failure(&record()).unwrap());
    assert_eq!(failed.failure(), Some(&record()));
    assert_eq!(failed.token(), document.token());
    let healed = failed.with_token(&fresh(), &known(), None, NOW);
    assert_eq!(healed, document.with_token(&fresh(), &known(), None, NOW));
}

#[test]
fn a_failure_record_is_removed_wherever_it_stands() {
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
fn a_hold_off_time_is_stored_and_removed_with_the_next_token() {
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
const LAYOUTS: [(&str, &str, &str); 23] = [
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
        "expires+expires_in",
        r#"{"access_token":"a","expires_in":7100,"expires":5}"#,
        r#"{"access_token":"NEW","expires_in":7200,"expires":1700000000}"#,
    ),
    (
        "expire+expire_time",
        r#"{"access_token":"a","expire":1588219064123,"expire_time":"5"}"#,
        r#"{"access_token":"NEW","expire":1700000000000,"expire_time":"1700000000"}"#,
    ),
    (
        "time+expires_in",
        r#"{"access_token":"a","expires_in":7100,"time":5}"#,
        r#"{"access_token":"NEW","expires_in":7200,"time":1699992800}"#,
    ),
    (
        "get_time+expires_in",
        r#"{"get_time":"1588219064123","access_token":"a","expires_in":"7100"}"#,
        r#"{"get_time":"1699992800000","access_token":"NEW","expires_in":"7200"}"#,
    ),
    (
        "time+create_time+expires_at+expires_in",
        r#"{"access_token":"a","expires_in":0,"time":null,"create_time":5,"expires_at":6}"#,
        r#"{"access_token":"NEW","expires_in":7200,"time":1699992800,"create_time":1699992800,"expires_at":1700000000}"#,
    ),
    ("token+expires", r#"{"token":"a","expires":5}"#, r#"{"token":"NEW","expires":1700000000}"#),
    (
        "expire_time",
        r#"{"access_token":"a","expire_time":5,"update_time":"2019-05-07 09:13:27"}"#,
        r#"{"access_token":"NEW","expire_time":1700000000,"update_time":"2019-05-07 09:13:27"}"#,
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
        r#"{"access_token":"a","expires_in":7100}"#,
        r#"{"access_token":"NEW","expires_in":7200,"wx_token":{"expires_at_ms":1700000000000,"token":"a253ff09c5a8678e"}}"#,
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
        "guarded expires_at",
        "\u{feff}<?php exit;?>{\"access_token\":\"a\",\"expires_at\":5}",
        "\u{feff}<?php exit;?>{\"access_token\":\"NEW\",\"expires_at\":1700000000}",
    ),
    (
        "guarded expire_time",
        "<?php die('Access denied'); ?>\n{\"access_token\":\"a\",\"expire_time\":5}",
        "<?php die('Access denied'); ?>\n{\"access_token\":\"NEW\",\"expire_time\":1700000000}",
    ),
    (
        "expire",
        "\u{feff}{\"access_token\":\"a\",\"expire\":5}",
        "\u{feff}{\"access_token\":\"NEW\",\"expire\":1700000000}",
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
        assert_eq!(document.layout().unwrap(), name);
        assert_eq!(rewritten(before), after);
    }
}

#[test]
fn a_long_expiry_is_stored_survives_a_failure_and_is_removed_with_its_token() {
    let expiry = NOW + MAX_FOREIGN_LIFE + Duration::from_millis(1500);
    let token = Token::own("NEW", expiry);
    let long_lived = |document: &Document| {
        document.token().is_some_and(|token| {
            token.believed_from == Timestamp::from_millis(i64::MIN) && token.is_valid(NOW)
        })
    };
    let texts = [TOKEN_FILE, "a:2:{s:5:\"value\";s:3:\"abc\";s:7:\"expired\";i:5;}"];
    for text in texts {
        let stored = reparse(parse(text).unwrap().with_token(&token, &known(), None, NOW));
        assert!(long_lived(&stored), "{text}");
        assert!(long_lived(&reparse(stored.with_failure(&record()).unwrap())), "{text}");
    }
    let by_others = r#"{"access_token":"x","expire":1800000000,"wx_token":{"expires_at_ms":5}}"#;
    assert!(!long_lived(&parse(by_others).unwrap()), "stored by other code since");
    let never = "a:2:{s:5:\"value\";s:3:\"abc\";s:7:\"expired\";i:0;}";
    assert!(long_lived(&parse(never).unwrap()), "it does not expire, says WeChatDeveloper");
    let duration = parse(r#"{"access_token":"a","expires_in":7200}"#).unwrap();
    let month = Token { expiry: NOW + MAX_FOREIGN_LIFE * 30, ..token };
    let stored = duration.with_token(&month, &known(), None, NOW).bytes;
    let stored = Document::parse(&stored, TOKEN, Origin { written: NOW, ..origin() }).unwrap();
    assert!(long_lived(&stored), "although it is shortened to what the layout has room for");
    let usual = rewritten(TOKEN_FILE);
    assert!(!usual.contains(STATE), "{usual}");
}

#[test]
fn in_every_layout_a_failure_is_stored_and_removed_again() {
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
    let token = Token::own("NEW", WRITTEN + Duration::from_secs(2_000_000_000));
    let stored = document.with_token(&token, &known(), None, WRITTEN).bytes;
    assert!(String::from_utf8(stored).unwrap().contains(r#""expires_in":999999999,"#));
}

#[test]
fn a_duration_counts_from_the_modification_of_the_token() {
    let document = parse(r#"{"access_token":"a","expires_in":7200}"#).unwrap();
    assert_eq!(document.token().unwrap().expiry, Timestamp::from_secs(1_600_007_200));
    let later = Timestamp::from_secs(1_600_010_000);
    let token = Token::foreign("NEW", Timestamp::from_secs(1_600_017_000));
    let content = document.with_token(&token, &known(), None, later);
    // With a shorter life left, the two hours of its readers begin earlier.
    assert_eq!(content.modified, Some(Timestamp::from_secs(1_600_009_800)));
    let text = String::from_utf8(content.bytes).unwrap();
    assert!(text.starts_with(r#"{"access_token":"NEW","expires_in":7200,"wx_token":"#), "{text}");
    // A copy of the file has another modification time; other code's next token has only that.
    let copied = Origin { written: later + Duration::from_secs(9000), ..origin() };
    let copy = Document::parse(text.as_bytes(), TOKEN, copied.clone()).unwrap();
    assert_eq!(copy.token(), Some(&token));
    let renewed = text.replace("NEW", "OTHER");
    let renewed = Document::parse(renewed.as_bytes(), TOKEN, copied).unwrap();
    assert_eq!(renewed.token().unwrap().expiry, later + Duration::from_secs(16_200));
    assert_eq!(
        document.with_failure(&record()).unwrap().modified,
        Some(WRITTEN),
        "a failure is not a new token"
    );
}

#[test]
fn a_file_that_is_truncated_after_its_guard_keeps_the_guard() {
    for text in
        ["<?php exit();?>", "<?php exit();?>{\"access_tok", "<?php exit();?>\0\0", "<?php exi", "<"]
    {
        assert!(parse(text).unwrap().is_damaged(), "{text:?}");
        assert_eq!(
            rewritten(text),
            r#"<?php exit();?>{"access_token":"NEW","expire_time":1700000000}"#
        );
    }
    let truncated = r#"a:3:{s:4:"name";s:17:"wx"#;
    assert!(parse(truncated).unwrap().is_damaged());
    assert!(
        rewritten(truncated)
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
    assert_eq!(new("t", Some("expires_at")), r#"{"access_token":"NEW","expires_at":1700000000}"#);
    assert_eq!(
        new("t", Some("expires_in:expiry")),
        r#"{"access_token":"NEW","expires_in":1700000000}"#
    );
    assert_eq!(
        new("t", Some("time+expires_in")),
        r#"{"access_token":"NEW","expires_in":7200,"time":1699992800}"#
    );
    assert_eq!(
        new("t", Some("expires_time:expiry")),
        r#"{"access_token":"NEW","expires_time":1700000000}"#
    );
    assert_eq!(
        new("wx01_access_token", Some("serialize")),
        r#"a:3:{s:4:"name";s:17:"wx01_access_token";s:5:"value";s:3:"NEW";s:7:"expired";i:1700000000;}"#
    );
}

#[test]
fn an_ambiguous_file_is_rejected_until_the_caller_says_which() {
    let text = r#"{"access_token": "a", "expires_time": 1599999000}"#;
    assert!(parse(text).is_err_and(|why| way_out(&why).contains("expires_time:fetched")));
    let expiry_as = |layout| {
        let spec = FileSpec { layout: Layout::by_name(layout), ..TOKEN };
        parse_as(text, spec).unwrap().token().unwrap().expiry
    };
    assert_eq!(expiry_as("expires_time:expiry"), Timestamp::from_secs(1_599_999_000));
    assert_eq!(expiry_as("expires_time:fetched"), Timestamp::from_secs(1_600_002_600));

    let alone = r#"{"access_token": "a", "time": 1599999000}"#;
    assert!(parse(alone).is_err_and(|why| way_out(&why).contains("'time:fetched'")));
    let both = r#"{"access_token":"a","jsapi_ticket":"b","expire":5}"#;
    assert!(parse(both).is_err_and(|why| way_out(&why).contains("a file of its own")));
}

#[test]
fn a_ticket_under_another_key_is_not_given_a_new_expiry() {
    let text = r#"{"data":"0123456789012345678901234567890123456789","expires":5}"#;
    for kind in [CredentialKind::AccessToken, CredentialKind::JsapiTicket] {
        let parsed = parse_as(text, FileSpec { kind, layout: None });
        assert!(parsed.is_err_and(|why| way_out(&why).contains("Store it under")));
    }
}

#[test]
fn a_refusal_names_the_key_unless_that_may_be_a_secret() {
    let reason = |text: &str| match parse(text) {
        Err(Refusal::Ambiguous { reason, .. }) => reason,
        other => panic!("{text}: {:?}", other.err()),
    };
    let token = "T".repeat(40);
    let secret = "5".repeat(32);
    assert_eq!(
        reason(&format!(r#"{{"wx01":"{token}","expire":5}}"#)),
        "its token stands under the key \"wx01\" (a string of 40 characters), which is not supported"
    );
    for text in [
        format!(r#"{{"{secret}":"{token}","expire":5}}"#),
        format!(r#"{{"a b":"{token}","expire":5}}"#),
        format!(r#"{{"{token}":"{secret}","expire":5}}"#),
    ] {
        let reason = reason(&text);
        assert!(reason.starts_with("its token stands under a key (a string of "), "{reason}");
    }
    let expiry = r#"{"access_token":"a","expire_date":5}"#;
    assert!(reason(expiry).contains("the key \"expire_date\""));
    assert_eq!(
        reason(r#"{"access_token":[],"expire":5}"#),
        "its \"access_token\" is an array, not a string"
    );
    assert_eq!(
        reason(r#"{"access_token":"a","expires":[]}"#),
        "its \"expires\" is an array, not a number"
    );
}

#[test]
fn a_token_alone_is_rejected_until_the_caller_says_so() {
    let text = "T123456789012345678901234567890123456789\n";
    assert!(parse(text).is_err_and(|why| way_out(&why).contains("'layout' => 'plain'")));
    let spec = FileSpec { layout: Some(Layout::Plain), ..TOKEN };
    let document = parse_as(text, spec).unwrap();
    assert_eq!(document.token().unwrap().expiry, WRITTEN + PLAIN_LIFE);
    let content = document.with_token(&fresh(), &known(), None, NOW);
    assert_eq!(content.bytes, b"NEW\n");
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
    for text in [
        "<?php\n$access_token = array('access_token' => 'a');\n?>",
        "<?php exit($x);?>{}",
        "<?php exit(`id`);?>{}",
        "<?php exit();{}",
        "<?php exits();?>{}",
    ] {
        let why = parse(text).err().unwrap_or_else(|| panic!("{text}"));
        assert!(way_out(&why).contains("call wx_get_token()"), "{text}: {why:?}");
    }
    assert!(parse("<?php exit();?>echo 1;").is_err());
}

#[test]
fn behind_a_guard_of_any_spelling_nothing_is_empty() {
    for guard in
        ["<?php exit();?>", "<?php exit;?>", "<?php die();?>", "\u{feff}<?php\nexit ( 0 ) ; ?>"]
    {
        for content in ["null", "", "{}", "\n", "0"] {
            let text = format!("{guard}{content}");
            let after = rewritten(&text);
            assert_eq!(
                after,
                format!("{guard}{{\"access_token\":\"NEW\",\"expire_time\":1700000000}}")
            );
        }
    }
}

#[test]
fn a_file_with_several_expiries_is_valid_until_the_earliest() {
    let earliest = |text: &str, expected| assert_eq!(expiry(text), Some(expected), "{text}");
    earliest(r#"{"access_token":"a","expire":1588219064,"expire_time":1588219063}"#, 1_588_219_063);
    earliest(r#"{"access_token":"a","expires_in":7200,"expire_time":1599999000}"#, 1_599_999_000);
    earliest(r#"{"access_token":"a","expires_in":7200,"time":1588219064}"#, 1_588_226_264);
    earliest(r#"{"access_token":"a","expires_in":7200,"timestamp":1588219064123}"#, 1_588_226_264);
    earliest(r#"{"access_token":"a","expires_in":7200,"time":9,"fetch_time":8}"#, 7208);
    earliest(r#"{"access_token":"a","expires_in":7200,"time":9,"expire":50}"#, 50);
    earliest(r#"{"access_token":"a","expires":7000,"time":1588219064}"#, 1_588_226_064);
    // Whoever names one means that one.
    let text = r#"{"access_token":"a","expire":5,"expires_at":6}"#;
    let spec = FileSpec { layout: Layout::by_name("expires_at"), ..TOKEN };
    let document = parse_as(text, spec).unwrap();
    assert_eq!(document.token().unwrap().expiry, Timestamp::from_secs(6));
    let content = document.with_token(&fresh(), &known(), None, NOW).bytes;
    assert!(!String::from_utf8(content).unwrap().contains(":5"), "all are written");
}

#[test]
fn what_other_code_has_not_renewed_with_its_token_does_not_count() {
    let text = r#"{"access_token":"a","expire":5,"expire_time":5}"#;
    let content = parse(text).unwrap().with_token(&fresh(), &known(), None, NOW);
    let attributes: Vec<_> = content.attribute.into_iter().collect();
    let reread = |text: &str, attributes: &[String]| {
        let origin = Origin { attributes: attributes.to_vec(), ..origin() };
        Document::parse(text.as_bytes(), TOKEN, origin).unwrap().token().map(|it| it.expiry.secs())
    };
    let ours = String::from_utf8(content.bytes).unwrap();
    assert_eq!(reread(&ours, &attributes), Some(1_700_000_000));
    let renewed = ours
        .replace("NEW", "THEIRS")
        .replace("expire_time\":1700000000", "expire_time\":1700007000");
    assert_eq!(reread(&renewed, &attributes), Some(1_700_007_000));
    assert_eq!(reread(&renewed, &[]), Some(1_700_000_000), "without a record nobody knows");
    let kept = ours.replace("NEW", "THEIRS");
    assert_eq!(reread(&kept, &attributes), Some(1_700_000_000), "nothing was renewed");

    let text = r#"{"access_token":"a","expire":5,"time":5,"expires_in":7200}"#;
    let content = parse(text).unwrap().with_token(&fresh(), &known(), None, NOW);
    let attributes: Vec<_> = content.attribute.into_iter().collect();
    let ours = String::from_utf8(content.bytes).unwrap();
    let renewed =
        ours.replace("NEW", "THEIRS").replace("expire\":1700000000", "expire\":1700007000");
    assert_eq!(reread(&renewed, &attributes), Some(1_700_007_000), "the start is the old one");
}

#[test]
fn a_date_has_no_time_zone_and_is_rejected_by_its_key() {
    let reason = |text: &str| match parse(text) {
        Err(Refusal::Ambiguous { reason, .. }) => reason,
        other => panic!("{text}: {:?}", other.err()),
    };
    for text in [
        r#"{"access_token":"a","expires_in":7200,"get_time":"2019-05-07 09:13:27"}"#,
        r#"{"access_token":"a","get_time":"2019-05-07 09:13:27"}"#,
        r#"{"access_token":"a","end_time":"2019/5/7 9:13"}"#,
        r#"{"access_token":"a","until":"2019.05.07"}"#,
    ] {
        let reason = reason(text);
        assert!(reason.ends_with("has a date, not a Unix timestamp"), "{text}: {reason}");
    }
    assert!(reason(r#"{"access_token":"a","until":1588219064}"#).contains("\"until\" (a number)"));
}

#[test]
fn plain_is_a_token_and_nothing_else() {
    let spec = FileSpec { layout: Some(Layout::Plain), ..TOKEN };
    let token = "A1b2-_.~+/0123456789==";
    assert!(parse_as(token, spec).is_ok());
    for text in [
        "Array",
        "404",
        "0123456789abcde",
        "two words",
        "0123456789abcdef,1795557768",
        "0123456789abcdef|1795557768",
        "9999999999s:16:\"0123456789abcdef\";",
        "access_token=0123456789&expires_in=7200",
        "s:16:\"0123456789abcdef\";",
        "=0123456789abcdef",
        "access_token=0123456789abcdef",
        "1588219064.123456",
        "2019-05-07-09-13-27",
        "invalid_credential",
        "access_token.json.example",
        "{\"access_token\":\"a\"}",
    ] {
        assert!(parse_as(text, spec).is_err(), "{text}");
    }
    for text in ["", "\n", "null", "0"] {
        assert!(parse_as(text, spec).is_ok_and(|document| document.token().is_none()), "{text:?}");
    }
}

#[test]
fn a_line_of_token_and_numbers_is_read_and_written() {
    let token = Token::own(TEXT_TOKEN, fresh().expiry);
    let record = Record::new(&token, None, NOW);
    let rewrite = |text: &str, layout: &str| {
        let spec = FileSpec { layout: Layout::by_name(layout), ..TOKEN };
        let document = parse_as(text, spec).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        let content = document.with_token(&token, &record, None, NOW);
        let expiry = document.token().map(|token| token.expiry.secs());
        (expiry, String::from_utf8(content.bytes).unwrap(), document.layout())
    };
    let old = "0123456789abcdefghijklmnopqrstuvwxyz";
    let (expiry, text, name) = rewrite(&format!("{old},7200,1588219064\n"), "");
    assert_eq!(expiry, Some(1_588_226_264));
    assert_eq!(text, format!("{TEXT_TOKEN},7200,1699992800\n"));
    assert_eq!(name.as_deref(), Some("csv"));
    let (expiry, text, _) = rewrite(&format!("{old},1588219064123"), "csv:expiry");
    assert_eq!((expiry, text), (Some(1_588_219_064), format!("{TEXT_TOKEN},1700000000000")));
    let (expiry, text, _) = rewrite(&format!("{old},1588219064"), "csv:fetched");
    assert_eq!((expiry, text), (Some(1_588_226_264), format!("{TEXT_TOKEN},1699992800")));
    let (_, text, _) = rewrite("", "csv");
    assert_eq!(text, format!("{TEXT_TOKEN},7200,1699992800"));
    let unnamed = parse(&format!("{old},1588219064"));
    assert!(unnamed.is_err_and(|why| way_out(&why).contains("'csv:fetched'")));
    assert!(parse("some,words").is_err());
}

#[test]
fn a_cache_file_is_known_by_its_library() {
    let library = |text: &str| match parse(text) {
        Err(Refusal::Ambiguous { reason, remedy }) => {
            assert!(remedy.contains("MIGRATION.md"), "{text}");
            reason
        }
        other => panic!("{text}: {:?}", other.err()),
    };
    let is_of = |text: &str, name: &str| {
        assert_eq!(library(text), format!("it is a cache file of {name}"), "{text}");
    };
    is_of("<?php\n//000000007000\n exit();?>\ns:3:\"abc\";", "ThinkPHP");
    is_of("<?php\n//000000007000s:3:\"abc\";\n?>", "ThinkPHP");
    is_of("1588219064\nwx_token\ns:3:\"abc\";", "Symfony");
    is_of("<?php return [PHP_INT_MAX, static function () { return 'abc'; }];", "Symfony");
    is_of("1588219064s:3:\"abc\";", "Laravel");
    is_of("1588219064\ns:3:\"abc\";", "Doctrine");
    is_of("<?php return array ( 'lifetime' => 1588219064, 'data' => 'abc' );", "Doctrine");
}

#[test]
fn a_token_inside_something_else_is_rejected_by_its_place() {
    let why = parse(r#"{"wx01":{"access_token":"a","expire":5}}"#).err().unwrap();
    assert!(way_out(&why).contains("a file for each account"), "{why:?}");
    let why = parse(r#"{"data":"{\"access_token\":\"a\"}","expire":5}"#).err().unwrap();
    assert!(
        matches!(&why, Refusal::Ambiguous { reason, .. } if reason.contains("JSON in a string"))
    );
    let why = parse("1588219064").err().unwrap();
    assert!(way_out(&why).contains("'layout' => 'plain'"), "{why:?}");
}

#[test]
fn every_layout_has_a_name_that_leads_back_to_it() {
    assert!(Layout::all().count() > 30);
    for layout in Layout::all() {
        let name = layout.name();
        assert_eq!(Layout::by_name(&name), Some(layout), "{name}");
        let is_start = |key: &str| Layout::NAMES.split([' ', ',']).any(|told| told == key);
        let is_told = match name.split_once([':', '+']) {
            Some((key, "expires_in")) => is_start(key),
            Some(("csv" | "expires_time", "fetched" | "expiry")) => true,
            Some((key, "fetched" | "expiry")) if key != "expires_in" => is_start(key),
            _ => Layout::NAMES.split(", ").any(|told| told == name),
        };
        assert!(is_told, "{name}");
    }
    assert_eq!(Layout::by_name("expiry"), None);
}

#[test]
fn a_call_of_any_kind_reads_what_some_call_would() {
    for (text, is_read) in [
        (r#"{"access_token":"a","jsapi_ticket":"b","expire":5}"#, false),
        (r#"{"access_token":"a","ticket":"","expire":5}"#, true),
        (r#"{"ticket":"a","expire":5}"#, true),
        (r#"{"jsapi_ticket":"a","ticket":"b","expire":5}"#, true),
        (r#"{"wx_card_ticket":"a","jsapi_ticket":"b","expire":5}"#, false),
    ] {
        let any = parse_as(text, FileSpec { kind: CredentialKind::Any, layout: None });
        assert_eq!(any.is_ok(), is_read, "{text}: {:?}", any.err());
        let calls = CredentialKind::ALL.map(|kind| parse_as(text, FileSpec { kind, layout: None }));
        assert_eq!(calls.iter().any(Result::is_ok), is_read, "{text}");
    }
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
        proptest::option::of(proptest::sample::select(Layout::all().collect::<Vec<_>>()))
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
        fn a_written_file_is_read_back(bytes in files(), layout in layouts()) {
            let spec = FileSpec { layout, ..TOKEN };
            let Ok(document) = Document::parse(&bytes, spec, origin()) else { return Ok(()) };
            let reread = |content: Content| {
                let written = content.modified.unwrap_or(WRITTEN);
                let attributes = content.attribute.into_iter().collect();
                Document::parse(&content.bytes, spec, Origin { written, attributes, ..origin() })
            };
            let value = if document.can_hold("NEW") { "NEW" } else { TEXT_TOKEN };
            let fresh = Token::own(value, fresh().expiry);
            let known = Record::new(&fresh, None, NOW);
            let stored = reread(document.with_token(&fresh, &known, None, NOW));
            prop_assert!(stored.is_ok(), "{:?}", stored.err());
            let stored = stored.unwrap();
            let token = stored.token().unwrap();
            prop_assert_eq!(&*token.value, value);
            // Readers of a time of fetch, and of a duration, may trust it for less, never for more.
            prop_assert!(token.expiry <= fresh.expiry);
            prop_assert_eq!(stored.failure(), None);
            prop_assert_eq!(stored.record(), Some(known));

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
