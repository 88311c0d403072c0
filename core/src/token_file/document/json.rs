//! JSON objects: their members in the text.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::members::Members;

/// Reads `text`, which must be a JSON object and nothing else.
pub(super) fn parse(text: &str) -> serde_json::Result<Members> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Reader(text))?;
    deserializer.end()?;
    Ok(members)
}

/// `text` with each value of `changes` replaced, appended, or (for `None`) removed.
pub(super) fn edit(text: &str, members: &Members, changes: &[(&str, Option<String>)]) -> String {
    members.edit(text, changes, ",", |key| format!("{}:", serde_json::Value::from(key))).0
}

struct Reader<'t>(&'t str);

impl<'de> Visitor<'de> for Reader<'de> {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::new(self.0.find('{').map_or(0, |brace| brace + 1));
        while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
            // Raw values are slices of the text that they were read from.
            let start = raw.get().as_ptr().addr() - self.0.as_ptr().addr();
            members.push(key, start..start + raw.get().len());
        }
        Ok(members)
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
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
