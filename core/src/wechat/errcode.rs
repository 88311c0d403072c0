//! WeChat's error codes at its token endpoints: what each means, how soon to ask again, and what a
//! user should do about it.
//!
//! Sources: the error tables of WeChat's documents on `/cgi-bin/token` and `/cgi-bin/stable_token`,
//! its global list, and WeCom's list. Codes are matched by number alone: messages end in a variable
//! `rid` or `hint`.

use std::net::IpAddr;
use std::time::Duration;

use crate::failure::{LONGEST_PAUSE, RetryPolicy};

/// What is known of one error code.
#[derive(Debug, Clone, Copy)]
pub struct Errcode {
    /// WeChat's number.
    pub code: i64,
    /// How soon to ask again.
    pub retry_policy: RetryPolicy,
    /// What a user should do about it.
    pub advice: &'static str,
}

/// System busy: the one code after which a refresh tries again by itself.
pub const SYSTEM_BUSY: i64 = -1;

/// What WeChat's other interfaces answer to an access token that is not, or no longer, valid.
pub const REJECTED_TOKEN: [i64; 3] = [40001, 40014, 42001];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const REFUSED: RetryPolicy = RetryPolicy::AccountRefused(MINUTE);

const fn entry(code: i64, retry_policy: RetryPolicy, advice: &'static str) -> Errcode {
    Errcode { code, retry_policy, advice }
}

/// Every code that the token endpoints are known to answer with, in numeric order.
pub const TABLE: &[Errcode] = &[
    entry(SYSTEM_BUSY, RetryPolicy::Backoff, "WeChat is busy: nothing to do but wait"),
    entry(
        40001,
        REFUSED,
        "check the AppSecret; at a ticket's interface: the access token was refused",
    ),
    entry(40002, REFUSED, "report this: the request names a grant_type that WeChat does not know"),
    entry(40013, REFUSED, "check the AppID: upper and lower case count"),
    entry(
        40014,
        REFUSED,
        "the access token was refused: see whether something else fetches tokens for this account",
    ),
    entry(40091, REFUSED, "check the secret of this WeCom application"),
    entry(40125, REFUSED, "check the AppSecret: it may have been reset in WeChat's console"),
    entry(40164, REFUSED, "add this server's address to the account's IP whitelist"),
    entry(
        40243,
        REFUSED,
        "unfreeze the AppSecret in WeChat's console; that takes ten minutes to act",
    ),
    entry(41002, REFUSED, "give an appid"),
    entry(41004, REFUSED, "give a secret"),
    entry(42001, REFUSED, "the access token was refused as expired: check this server's clock"),
    entry(43002, REFUSED, "check wx_token.api_base: something on the way turned a POST into a GET"),
    entry(
        45009,
        // The day's quota by WeChat's documents, and the minute's as well in practice
        // (juejin.cn/post/7321270358682271744): the next minute's try tells them apart.
        RetryPolicy::NextMinuteThen(HOUR),
        "the limit of the minute or the day is reached; find another program that fetches tokens, or clear the quota in WeChat's console",
    ),
    entry(
        45011,
        RetryPolicy::NextMinute,
        "the minute's quota is used up: find what else fetches tokens",
    ),
    entry(
        48001,
        REFUSED,
        "this account has no right to the interface: check its kind and permissions",
    ),
    entry(50002, REFUSED, "the account is frozen, moved or cancelled: see WeChat's console"),
    entry(
        50004,
        REFUSED,
        "the account may not use this interface: see the notices in WeChat's console",
    ),
    entry(50007, REFUSED, "the account is frozen: see WeChat's console"),
    entry(60020, REFUSED, "add this server's address to the WeCom application's trusted IPs"),
    entry(61004, REFUSED, "register this server's address with the account"),
    entry(
        61024,
        REFUSED,
        "this account belongs to a third-party platform: fetch its token through a loader",
    ),
    entry(
        89501,
        REFUSED,
        "an administrator must confirm this server's address: look for WeChat's message",
    ),
    entry(
        89503,
        REFUSED,
        "an administrator must confirm this server's address: look for WeChat's message",
    ),
    entry(
        89506,
        RetryPolicy::AddressRefused(LONGEST_PAUSE),
        "an administrator refused this server's address twice: it is blocked for a day",
    ),
    entry(
        89507,
        RetryPolicy::AddressRefused(HOUR),
        "an administrator refused this server's address: it is blocked for an hour",
    ),
];

fn find(code: i64) -> Option<&'static Errcode> {
    TABLE.iter().find(|entry| entry.code == code)
}

/// How soon to ask again after `code`. An unknown code counts as a refusal of the account.
#[must_use]
pub fn retry_policy(code: i64) -> RetryPolicy {
    find(code).map_or(REFUSED, |entry| entry.retry_policy)
}

/// What a user should do about `code`, with the address that `errmsg` names if it is about one.
#[must_use]
pub fn advice(code: i64, errmsg: &str) -> String {
    let advice = find(code)
        .map_or("look the code up in WeChat's list of return codes", |entry| entry.advice);
    match (code, address(errmsg)) {
        (40164 | 60020 | 61004 | 89501 | 89503, Some(address)) => format!("{advice} ({address})"),
        _ => advice.to_owned(),
    }
}

/// The first IP address in a message.
fn address(errmsg: &str) -> Option<IpAddr> {
    errmsg
        .split(|char: char| char.is_whitespace() || char == ',')
        .find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_code_once() {
        assert!(TABLE.is_sorted_by(|left, right| left.code < right.code));
    }

    #[test]
    fn paces_are_those_of_the_documents() {
        assert_eq!(retry_policy(-1), RetryPolicy::Backoff);
        assert_eq!(retry_policy(45011), RetryPolicy::NextMinute);
        assert_eq!(retry_policy(45009), RetryPolicy::NextMinuteThen(HOUR));
        assert_eq!(retry_policy(89507), RetryPolicy::AddressRefused(HOUR));
        assert_eq!(retry_policy(89506), RetryPolicy::AddressRefused(LONGEST_PAUSE));
        for code in [40013, 40125, 40164, 40243, 50004, 50007, 61004, 89501, 89503, 99999] {
            assert_eq!(retry_policy(code), RetryPolicy::AccountRefused(MINUTE), "{code}");
        }
    }

    #[test]
    fn the_address_to_whitelist_is_told() {
        for errmsg in [
            "invalid ip 1.2.3.4, not in whitelist hint: [x]",
            "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 1",
        ] {
            assert!(advice(40164, errmsg).ends_with("IP whitelist (1.2.3.4)"), "{errmsg}");
        }
    }
}
