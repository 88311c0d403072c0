//! JSON objects: their members in the text.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::members::Members;

/// Reads `text`, which must be a JSON object and nothing else.
pub(super) fn parse(text: &str) -> Option<Members> {
    let mut members = Members::new(after(text, 0, '{'));
    let end = read(text, &mut members).ok()?;
    text.get(end..)?.trim_ascii().is_empty().then_some(members)
}

/// What is whole of an object that is torn, as an object: its end is missing, or an old end stands behind a shorter text
/// that was written in place. `None` if `text` is no such object.
pub(super) fn mend(text: &str) -> Option<String> {
    let mut members = Members::new(after(text, 0, '{'));
    let is_torn = match read(text, &mut members) {
        Ok(end) => is_old_end(text.get(end..)?),
        Err(error) => error.is_eof(),
    };
    let whole = text.get(..members.end_of_whole(text))?;
    is_torn.then(|| format!("{whole}}}"))
}

/// Whether `tail`, which follows an object, is the end of an older one, or a hole in the file. Another object is neither.
fn is_old_end(tail: &str) -> bool {
    let tail = tail.trim_matches(|char: char| char == '\0' || char.is_ascii_whitespace());
    let is_json =
        serde_json::Deserializer::from_str(tail).into_iter::<&RawValue>().all(|it| it.is_ok());
    tail.is_empty() || tail.ends_with('}') && !is_json
}

/// `text` with each value of `changes` replaced, appended, or (for `None`) removed.
pub(super) fn edit(text: &str, members: &Members, changes: &[(&str, Option<String>)]) -> String {
    members.edit(text, changes, ",", |key| format!("{}:", serde_json::Value::from(key))).0
}

/// The place after the next `brace`.
fn after(text: &str, place: usize, brace: char) -> usize {
    let found = text.get(place..).and_then(|rest| rest.find(brace));
    found.map_or(text.len(), |found| place + found + brace.len_utf8())
}

/// Reads the object that `text` begins with into `members`, as far as it goes. Returns where it ends.
fn read(text: &str, members: &mut Members) -> serde_json::Result<usize> {
    serde_json::Deserializer::from_str(text).deserialize_map(Reader { text, members })?;
    Ok(after(text, members.end(), '}'))
}

struct Reader<'t, 'm> {
    text: &'t str,
    members: &'m mut Members,
}

impl<'de> Visitor<'de> for Reader<'de, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
            // Raw values are slices of the text that they were read from.
            let start = raw.get().as_ptr().addr() - self.text.as_ptr().addr();
            self.members.push(key, start..start + raw.get().len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, key: &str, value: Option<&str>) -> String {
        super::edit(text, &parse(text).unwrap(), &[(key, value.map(str::to_owned))])
    }

    #[test]
    fn members_are_replaced_appended_and_taken_out() {
        assert_eq!(edit(r#"{"a": 1 , "b":2}"#, "a", Some("\"x\"")), r#"{"a": "x" , "b":2}"#);
        assert_eq!(edit(r#"{"a":1 }"#, "b", Some("2")), r#"{"a":1,"b":2 }"#);
        assert_eq!(edit("{ }", "b", Some("2")), r#"{"b":2 }"#);
        assert_eq!(edit(r#"{"a":1 ,"b":2, "c":3}"#, "b", None), r#"{"a":1, "c":3}"#);
        assert_eq!(edit(r#"{"a":1 ,"b":2}"#, "a", None), r#"{"b":2}"#);
        assert_eq!(edit(r#"{"a":1}"#, "a", None), "{}");
        assert_eq!(edit(r#"{"a":1}"#, "b", None), r#"{"a":1}"#);
        assert_eq!(edit(r#"{"a":1,"b":2,"a":3, "a":4}"#, "a", None), r#"{"b":2}"#);
        assert_eq!(edit(r#"{"a":1,"a":2}"#, "a", None), "{}");
    }

    #[test]
    fn only_whole_objects_are_read() {
        for text in ["", "{", "[]", "5", r#"{"a":1}}"#, r#"{"a":1,}"#, r#"{"a""#] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn of_a_torn_object_stays_what_is_whole() {
        for (text, whole) in [
            ("{", "{}"),
            (r#"{"a":"x","b"#, r#"{"a":"x"}"#),
            (r#"{"a":"x", "b":17"#, r#"{"a":"x"}"#),
            (r#"{"a":"x", "b":17,"#, r#"{"a":"x", "b":17}"#),
            (r#"{"a":"x", "b":17 , "#, r#"{"a":"x", "b":17}"#),
            (r#"{"a":"x", "b":{"c":1}"#, r#"{"a":"x", "b":{"c":1}}"#),
            (r#"{"a":1}}"#, r#"{"a":1}"#),
            (r#"{"a":1 }7796}"#, r#"{"a":1}"#),
            (r#"{"a":1} bcd","b":{"c":1}}"#, r#"{"a":1}"#),
            ("{\"a\":1}\n\0\0", r#"{"a":1}"#),
            ("{ }\0", "{}"),
        ] {
            assert_eq!(mend(text).as_deref(), Some(whole), "{text}");
        }
    }

    #[test]
    fn what_is_not_torn_is_not_mended() {
        for text in [
            r#"{"a":1,}"#,
            "{\n// a note\n\"a\":1}",
            "{'a':1}",
            r#"{"a":1}{"b":2}"#,
            "{\"a\":1}\n{\"b\":2}",
            r#"{"a":1} // a note"#,
            r#"{"a":1} [2]"#,
            "[1,2",
        ] {
            assert_eq!(mend(text), None, "{text}");
        }
    }
}
