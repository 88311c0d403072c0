//! `TOKEN,moment` and `TOKEN,duration,moment`: one line of text, without room for anything else.

use super::content::Content;
use super::found::Found;
use super::layout::{
    Expiry, FileExpiry, LARGEST_TIME, Layout, Meaning, Moments, is_duration, is_millis,
    looks_like_duration, timestamp,
};
use super::plain_file::is_alone;
use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::token::Token;

/// Reads `trimmed`, if it is such a line. `named` is the layout that the caller names.
pub(super) fn read(trimmed: &str, named: Option<Layout>) -> Option<Result<Found, Refusal>> {
    let fields: Vec<_> = trimmed.split(',').map(str::trim).collect();
    let (token, numbers) = fields.split_first().filter(|(token, _)| is_alone(token))?;
    let numbers: Option<Vec<i64>> = numbers.iter().map(|field| field.parse().ok()).collect();
    let numbers = numbers?;
    if numbers.last().is_some_and(|number| looks_like_duration(*number) || *number > LARGEST_TIME) {
        return Some(Err(Refusal::ambiguous(
            "the number after the token is no Unix timestamp",
            "Pass the path of a new file",
        )));
    }
    let (moment, number, expiry) = match *numbers.as_slice() {
        [duration, number] if is_duration(duration) => {
            let expiry = Expiry::EXPIRES_IN.meaning.expiry(duration, timestamp(number));
            (Meaning::Start, number, expiry)
        }
        [number] => match named {
            Some(Layout::Csv { moment, .. }) if moment != Meaning::Start => {
                (moment, number, moment.expiry(number, timestamp(number)))
            }
            _ => {
                return Some(Err(Refusal::ambiguous(
                    "the number after the token has two possible meanings",
                    "Pass 'layout' => 'csv:expiry' if it is the expiry, or 'layout' => 'csv:fetched' if it is the time of the fetch",
                )));
            }
        },
        _ => return None,
    };
    let layout = Layout::Csv { moment, is_millis: is_millis(number) };
    let expiry = FileExpiry::at(expiry);
    Some(Ok(Found::text(layout, token, expiry)))
}

/// Writes `token`, if there is one.
pub(super) fn write(token: Option<(&Token, Moments)>, moment: Meaning, is_millis: bool) -> Content {
    let line = token.map(|(token, moments)| {
        let before = is_millis.then_some(i64::MAX);
        let start = Timestamp::from_secs(moments.fetched.secs());
        let number = moment.number(moments, before, start);
        match moment {
            Meaning::Start => {
                let duration = Expiry::EXPIRES_IN.meaning.number(moments, None, start);
                format!("{},{duration},{number}", token.value)
            }
            _ => format!("{},{number}", token.value),
        }
    });
    let bytes = line.unwrap_or_default().into_bytes();
    Content { bytes, modified: None, attribute: None, may_be_padded: false }
}
