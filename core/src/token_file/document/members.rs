//! The members of a text, one value a key: where they stand, and how the text changes there.

use std::ops::Range;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// Where the first member begins, or would begin.
    opening: usize,
    list: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    key: String,
    value: Range<usize>,
}

impl Members {
    pub(super) const fn new(opening: usize) -> Self {
        Self { opening, list: Vec::new() }
    }

    pub(super) fn push(&mut self, key: String, value: Range<usize>) {
        self.list.push(Member { key, value });
    }

    /// The value of `key` as it is spelled in `text`.
    pub(super) fn get<'t>(&self, text: &'t str, key: &str) -> Option<&'t str> {
        text.get(self.member(key)?.value.clone())
    }

    /// The last of several counts, as for PHP's decoders.
    fn member(&self, key: &str) -> Option<&Member> {
        self.list.iter().rfind(|member| member.key == key)
    }

    /// Where the last value ends, or the first would begin.
    pub(super) fn end(&self) -> usize {
        self.list.last().map_or(self.opening, |member| member.value.end)
    }

    /// Where the last value ends of which no character is missing, if `text` may break off in one.
    pub(super) fn end_of_whole(&self, text: &str) -> usize {
        let rest = |member: &Member| text.get(member.value.end..).unwrap_or_default();
        let ends_itself = |member: &Member| {
            let value = text.get(member.value.clone()).unwrap_or_default();
            value.ends_with(['"', '}', ']'])
        };
        let is_whole = |member: &&Member| ends_itself(member) || !rest(member).trim().is_empty();
        self.list.iter().rfind(is_whole).map_or(self.opening, |member| member.value.end)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|member| member.key.as_str())
    }

    /// `text` with each value of `changes` replaced, appended after `name` of its key, or (for `None`) removed
    /// with its key; and the number of members that it has then.
    pub(super) fn edit(
        &self,
        text: &str,
        changes: &[(&str, Option<String>)],
        separator: &str,
        name: impl Fn(&str) -> String,
    ) -> (String, usize) {
        // All of several equal keys go: one that stayed would count from now on.
        let is_removed = |member: &Member| {
            changes.iter().any(|(key, value)| value.is_none() && *key == member.key)
        };
        let mut splices = Vec::new();
        let (mut end, mut count) = (self.opening, 0);
        for member in &self.list {
            if is_removed(member) {
                splices.push((end..member.value.end, String::new()));
            } else {
                if count == 0 && end > self.opening {
                    let place = text.get(end..).and_then(|rest| rest.find(separator));
                    let gap = place.map_or(0, |place| place + separator.len());
                    splices.push((end..end + gap, String::new()));
                }
                count += 1;
            }
            end = member.value.end;
        }
        for (key, value) in changes {
            let Some(value) = value else { continue };
            if let Some(member) = self.member(key) {
                splices.push((member.value.clone(), value.clone()));
            } else {
                let separator = if count == 0 { "" } else { separator };
                splices.push((end..end, format!("{separator}{}{value}", name(key))));
                count += 1;
            }
        }
        splices.sort_by_key(|(place, _)| place.start);
        let mut text = text.to_owned();
        // From the back to the front, so that the places before stay what they are.
        for (place, value) in splices.into_iter().rev() {
            text.replace_range(place, &value);
        }
        (text, count)
    }
}
