//! A JSON object: where its members stand in the text, and how the text changes with them.

use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::splice::splice;

/// The members of an object, and where their values stand in the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    key: String,
    value: Range<usize>,
}

impl Object {
    /// Reads `text`, which must be a JSON object and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Members(text)).ok()?;
        deserializer.end().ok()?;
        Some(Self { members })
    }

    /// The value of `key` as it is spelled in `text`.
    pub(super) fn get<'t>(&self, text: &'t str, key: &str) -> Option<&'t str> {
        text.get(self.member(key)?.value.clone())
    }

    /// The last of several counts, as for json_decode().
    fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().rfind(|member| member.key == key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.key.as_str())
    }

    /// `text` with each value of `changes` replaced, appended, or (for `None`) removed with its key.
    pub(super) fn edit(&self, text: &str, changes: &[(&str, Option<String>)]) -> String {
        let opening = text.find('{').map_or(0, |brace| brace + 1);
        // All of several equal keys go: one that stayed would count from now on.
        let is_removed = |member: &Member| {
            changes.iter().any(|(key, value)| value.is_none() && *key == member.key)
        };
        let mut splices = Vec::new();
        let (mut end, mut is_first) = (opening, true);
        for member in &self.members {
            if is_removed(member) {
                splices.push((end..member.value.end, String::new()));
            } else if is_first {
                // The comma after what stood before it.
                let rest = text.get(end..).filter(|_| end > opening).unwrap_or_default();
                let comma = rest.find(',').map_or(0, |comma| comma + 1);
                splices.push((end..end + comma, String::new()));
                is_first = false;
            }
            end = member.value.end;
        }
        let mut appended = String::new();
        for (key, value) in changes {
            let Some(value) = value else { continue };
            if let Some(member) = self.member(key) {
                splices.push((member.value.clone(), value.clone()));
            } else {
                let comma = if is_first { "" } else { "," };
                appended += &format!("{comma}{}:{value}", serde_json::Value::from(*key));
                is_first = false;
            }
        }
        splices.push((end..end, appended));
        splice(text, splices)
    }
}

struct Members<'t>(&'t str);

impl<'de> Visitor<'de> for Members<'de> {
    type Value = Vec<Member>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, raw)) = map.next_entry::<String, &'de RawValue>()? {
            // Raw values are slices of the text that they were read from.
            let start = raw.get().as_ptr().addr() - self.0.as_ptr().addr();
            members.push(Member { key, value: start..start + raw.get().len() });
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, key: &str, value: Option<&str>) -> String {
        Object::parse(text).unwrap().edit(text, &[(key, value.map(str::to_owned))])
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
            assert_eq!(Object::parse(text), None, "{text}");
        }
    }
}
