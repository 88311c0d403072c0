//! A JSON object, its members found in the text, and changed in it where they stand.

use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, and where their values stand in the text.
#[derive(Debug, PartialEq, Eq)]
pub struct Object {
    members: Vec<Member>,
}

#[derive(Debug, PartialEq, Eq)]
struct Member {
    key: String,
    value: Range<usize>,
}

impl Object {
    /// Reads `text`, which must be a JSON object and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Members(text)).ok()?;
        deserializer.end().ok()?;
        Some(Self { members })
    }

    /// The value of `key` as it is spelled in `text`. The last of several counts, as for
    /// json_decode().
    #[must_use]
    pub fn get<'t>(&self, text: &'t str, key: &str) -> Option<&'t str> {
        let member = self.members.iter().rfind(|member| member.key == key)?;
        text.get(member.value.clone())
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.key.as_str())
    }

    /// `text` with the value of `key` replaced, appended, or (for `None`) taken out with its key.
    #[must_use]
    pub fn edit(&self, text: &str, key: &str, value: Option<&str>) -> String {
        let Some(value) = value else { return self.without(text, key) };
        let mut text = text.to_owned();
        match self.members.iter().rfind(|member| member.key == key) {
            Some(member) => text.replace_range(member.value.clone(), value),
            None => {
                let comma = if self.members.is_empty() { "" } else { "," };
                let key = serde_json::Value::from(key);
                let end = self.members.last().map_or_else(|| opening(&text), |last| last.value.end);
                text.insert_str(end, &format!("{comma}{key}:{value}"));
            }
        }
        text
    }

    /// All of several equal keys go: one that stayed would count from now on.
    fn without(&self, text: &str, key: &str) -> String {
        let (mut text, mut left) = (text.to_owned(), self.members.len());
        // From the back to the front, so that the places before stay what they are.
        for (index, member) in self.members.iter().enumerate().rev() {
            if member.key == key {
                let before = index.checked_sub(1).and_then(|index| self.members.get(index));
                let gap = match before {
                    Some(before) => before.value.end..member.value.end,
                    None => leading_gap(&text, member, left > 1),
                };
                text.replace_range(gap, "");
                left -= 1;
            }
        }
        text
    }
}

/// The first member, with the comma that follows it if others do.
fn leading_gap(text: &str, first: &Member, others_follow: bool) -> Range<usize> {
    let rest = text.get(first.value.end..).unwrap_or_default();
    let comma = rest.find(',').filter(|_| others_follow).map_or(0, |comma| comma + 1);
    opening(text)..first.value.end + comma
}

/// The place behind the opening brace.
fn opening(text: &str) -> usize {
    text.find('{').map_or(0, |brace| brace + 1)
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
        Object::parse(text).unwrap().edit(text, key, value)
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
