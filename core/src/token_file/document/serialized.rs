//! The part of PHP's `serialize()` format that cache files are written in: an array of scalars, or of
//! such arrays. Objects and references are not read.

use super::members::Members;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Number(i64),
    Nothing,
}

const ARRAY: &str = "a:";

const MAX_DEPTH: usize = 16;

/// Why a text is not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotRead {
    /// It ends in the middle.
    pub(super) is_torn: bool,
}

/// Reads `text`, which must be a serialized array and nothing else, but for white space and NUL bytes behind it.
pub(super) fn parse(text: &str) -> Result<Members, NotRead> {
    let mut cursor = Cursor { text, at: 0, is_torn: false };
    let array = cursor.array(0).ok_or(NotRead { is_torn: cursor.is_torn })?;
    let is_blank = |char: char| char == '\0' || char.is_ascii_whitespace();
    if cursor.rest().chars().all(is_blank) { Ok(array) } else { Err(NotRead { is_torn: false }) }
}

pub(super) fn scalar(text: &str) -> Option<Scalar<'_>> {
    Cursor { text, at: 0, is_torn: false }.scalar()
}

pub(super) fn edit(text: &str, members: &Members, changes: &[(&str, Option<String>)]) -> String {
    let (mut text, count) = members.edit(text, changes, "", string);
    if count != members.keys().count()
        && let Some(colon) = text.get(ARRAY.len()..).and_then(|rest| rest.find(':'))
    {
        text.replace_range(ARRAY.len()..ARRAY.len() + colon, &count.to_string());
    }
    text
}

pub(super) fn string(text: &str) -> String {
    format!("s:{}:\"{text}\";", text.len())
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether the text ended where more was expected.
    is_torn: bool,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        let rest = self.rest();
        self.is_torn |= rest.len() < token.len() && token.starts_with(rest);
        rest.starts_with(token).then(|| self.at += token.len())
    }

    /// The text up to `end`, which is skipped.
    fn until(&mut self, end: char) -> Option<&'t str> {
        let found = self.rest().split_once(end).map(|(found, _)| found);
        // Numbers and their kinds are short.
        self.is_torn |= found.is_none() && self.rest().len() < 24;
        let found = found?;
        self.at += found.len() + end.len_utf8();
        Some(found)
    }

    fn array(&mut self, depth: usize) -> Option<Members> {
        self.expect(ARRAY)?;
        let count: usize = self.until(':')?.parse().ok()?;
        self.expect("{")?;
        let mut members = Members::new(self.at);
        for _ in 0..count {
            let key = match self.scalar()? {
                Scalar::Text(text) => text.to_owned(),
                Scalar::Number(number) => number.to_string(),
                Scalar::Nothing => return None,
            };
            let start = self.at;
            self.value(depth)?;
            members.push(key, start..self.at);
        }
        self.expect("}")?;
        Some(members)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if self.rest().starts_with(ARRAY) {
            return if depth < MAX_DEPTH { self.array(depth + 1).map(|_| ()) } else { None };
        }
        self.scalar().map(|_| ())
    }

    #[expect(clippy::cast_possible_truncation, reason = "as saturates")]
    fn scalar(&mut self) -> Option<Scalar<'t>> {
        if self.expect("N;").is_some() {
            return Some(Scalar::Nothing);
        }
        let kind = self.until(':')?;
        if kind == "s" {
            let length: usize = self.until(':')?.parse().ok()?;
            self.expect("\"")?;
            self.is_torn |= self.rest().len() < length;
            let text = self.rest().get(..length)?;
            self.at += length;
            self.expect("\";")?;
            return Some(Scalar::Text(text));
        }
        if !matches!(kind, "i" | "d" | "b") {
            return None;
        }
        let spelled = self.until(';')?;
        match kind {
            "i" => spelled.parse().ok().map(Scalar::Number),
            "d" => spelled.parse::<f64>().ok().map(|number| Scalar::Number(number as i64)),
            "b" if spelled == "0" => Some(Scalar::Nothing),
            "b" if spelled == "1" => Some(Scalar::Number(1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"a:3:{s:4:"name";s:17:"wx01_access_token";s:5:"value";s:3:"abc";s:7:"expired";i:1588219064;}"#;

    #[test]
    fn elements_are_found_by_their_key() {
        let array = parse(FILE).unwrap();
        assert_eq!(array.get(FILE, "value").and_then(scalar), Some(Scalar::Text("abc")));
        assert_eq!(
            array.get(FILE, "expired").and_then(scalar),
            Some(Scalar::Number(1_588_219_064))
        );
        assert_eq!(array.get(FILE, "missing").and_then(scalar), None);
    }

    #[test]
    fn an_edit_changes_one_element_and_the_count() {
        fn edit(text: &str, key: &str, value: Option<&str>) -> String {
            let value = value.map(str::to_owned);
            super::edit(text, &parse(text).unwrap(), &[(key, value)])
        }
        let longer = edit(FILE, "value", Some(&string("longer")));
        assert_eq!(longer, FILE.replace(r#"s:3:"abc""#, r#"s:6:"longer""#));
        let more = edit(FILE, "note", Some("i:5;"));
        assert_eq!(more, FILE.replace("a:3:", "a:4:").replace(";}", r#";s:4:"note";i:5;}"#));
        assert_eq!(edit(&more, "note", None), FILE);
        let twice = "a:2:{s:4:\"note\";i:5;s:4:\"note\";i:6;}";
        assert_eq!(edit(twice, "note", None), "a:0:{}");
    }

    #[test]
    fn strings_may_hold_anything_and_arrays_may_nest() {
        let text = "a:2:{i:0;s:8:\"}\";\"文b\";s:1:\"k\";a:1:{i:0;N;}}\n";
        let array = parse(text).unwrap();
        assert_eq!(array.get(text, "0").and_then(scalar), Some(Scalar::Text("}\";\"文b")));
    }

    #[test]
    fn a_truncated_text_or_one_of_another_kind_is_not_read() {
        for cut in 1..FILE.len() {
            assert_eq!(parse(&FILE[..cut]), Err(NotRead { is_torn: true }), "{cut}");
        }
        let deep = "a:1:{i:0;".repeat(100) + "N;" + &"}".repeat(100);
        for text in [
            "",
            "a:1:{}",
            "O:1:\"A\":0:{}",
            "a:9999999999999999999999:{",
            "a:1:{i:0;s:9:\"x\";}",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
