//! WeChat's error codes at its token and ticket APIs: how soon to ask again, and what a user should do.
//!
//! Sources: the error tables of WeChat's documents on `/cgi-bin/token` and `/cgi-bin/stable_token`,
//! its global list, and WeCom's list. Codes are matched by number alone: messages end in a variable
//! `rid` or `hint`.

use std::net::IpAddr;
use std::time::Duration;

use crate::failure::{Cause, LONGEST_PAUSE, RetryPolicy};

/// System busy: the one code after which a refresh tries again by itself.
pub(crate) const SYSTEM_BUSY: i64 = -1;

/// What WeChat's other APIs answer to an access token that is not, or no longer, valid.
pub(crate) const REJECTED_TOKEN: [i64; 3] = [40001, 40014, 42001];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How soon to ask again after `code`. An unknown code counts as a rejection of the account.
pub(crate) const fn retry_policy(code: i64) -> RetryPolicy {
    match code {
        SYSTEM_BUSY => RetryPolicy::Backoff,
        // The day's quota by WeChat's documents, and the minute's as well in practice
        // (juejin.cn/post/7321270358682271744): the next minute's try tells them apart.
        45009 => RetryPolicy::NextMinuteThen(HOUR),
        45011 => RetryPolicy::NextMinute,
        89506 => RetryPolicy::AddressRefused(LONGEST_PAUSE),
        89507 => RetryPolicy::AddressRefused(HOUR),
        // The address is missing in a list of this account.
        40164 | 60020 | 61004 | 89501 | 89503 => RetryPolicy::AccountAddressRefused(MINUTE),
        _ => RetryPolicy::AccountRefused(MINUTE),
    }
}

/// What was asked for: a code does not mean the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Token,
    WecomToken,
    Ticket,
    /// A loader, which may ask as it likes.
    Loader,
}

/// What went wrong, and what to do about it: *problem. Advice*.
pub fn describe(cause: &Cause, asked: Asked) -> String {
    let is_loader = asked == Asked::Loader;
    match cause {
        Cause::Api { errcode, errmsg } => {
            let source = if is_loader { "the loader returned" } else { "WeChat answered" };
            format!("{source} {cause}. {}", advice(*errcode, errmsg, asked))
        }
        Cause::StillRejected => {
            let source = if is_loader { "the loader" } else { "WeChat" };
            format!(
                "{source} still returns {cause}. WeChat replaces a stable token at most every 30 s and 20 times a day"
            )
        }
        Cause::Network { .. } | Cause::Store { .. } => cause.to_string(),
    }
}

/// What a user should do about `code`, with the address that `errmsg` names.
fn advice(code: i64, errmsg: &str, asked: Asked) -> String {
    #[rustfmt::skip]
    let advice = match (code, asked) {
        (SYSTEM_BUSY, _) => "WeChat is busy: no action is necessary",
        (40001, Asked::Ticket) => "Another program replaced the access token: stop it, or use the endpoint \"stable\"",
        (40001, Asked::WecomToken) => "Check the corpsecret",
        (40001, _) => "Check the AppSecret",
        (40002, Asked::Loader) => "The loader's request has an unknown grant_type",
        (40002, _) => "Report this as a bug of wx_token, with the rid",
        (40013, Asked::Token) => "Check the appid (case-sensitive), and for WeCom set endpoint to \"wecom\"",
        (40013, Asked::WecomToken) => "Check the corpid (case-sensitive)",
        (40013, _) => "Check the appid (case-sensitive)",
        (40014, _) => "WeChat rejected the access token: find another program that fetches tokens for this account",
        (40091, _) => "Check the corpsecret of this WeCom app",
        (40125, _) => "Check the AppSecret: perhaps it was reset in WeChat's console",
        (40164, _) => "Add {IP} to the account's IP whitelist",
        (40243, _) => "Unfreeze the AppSecret in WeChat's console, and wait 10 minutes",
        (41002, Asked::Loader) => "The loader's request has no appid",
        (41002, _) => "The appid did not reach WeChat: check wx_token.api_base",
        (41004, Asked::Loader) => "The loader's request has no secret",
        (41004, _) => "The secret did not reach WeChat: check wx_token.api_base",
        (42001, _) => "WeChat says that the access token has expired: check the clock of this server",
        (43002, Asked::Loader) => "The loader's request must be a POST",
        (43002, _) => "Something on the way changed POST to GET: check wx_token.api_base and wx_token.proxy",
        (45009, _) => "The limit of the minute or the day is reached: find another program that fetches tokens, or clear the quota in WeChat's console",
        (45011, _) => "The limit per minute is reached: find another program that fetches tokens",
        (48001, _) => "This account has no permission for this API: check account type and permissions in WeChat's console",
        (50002, _) => "The account is frozen, transferred or closed: see WeChat's console",
        (50004, _) => "WeChat has blocked this API for the account: see the notices in WeChat's console",
        (50007, _) => "The account is frozen: see WeChat's console",
        (60020, _) => "Add {IP} to the trusted IPs (可信IP) of the WeCom app",
        (61004, _) => "Add {IP} to the account's IP list",
        (61024, _) => "A third-party platform manages this account: get its token from the platform with a loader",
        (89501 | 89503, _) => "The account's administrator must confirm {IP} in the message that WeChat sent",
        (89506, _) => "The administrator rejected this server's IP twice: it is blocked for 24 hours",
        (89507, _) => "The administrator rejected this server's IP: it is blocked for 1 hour",
        _ => "See WeChat's list of return codes (全局返回码)",
    };
    let address = address(errmsg).map(|address| address.to_string());
    advice.replace("{IP}", address.as_deref().unwrap_or("this server's public IP"))
}

fn address(errmsg: &str) -> Option<IpAddr> {
    errmsg
        .split(|char: char| char.is_whitespace() || char == ',')
        .find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code that the APIs are known to answer with.
    const KNOWN: [i64; 26] = [
        -1, 40001, 40002, 40013, 40014, 40091, 40125, 40164, 40243, 41002, 41004, 42001, 43002,
        45009, 45011, 48001, 50002, 50004, 50007, 60020, 61004, 61024, 89501, 89503, 89506, 89507,
    ];

    #[test]
    fn each_known_code_has_advice_of_its_own_and_any_other_the_list() {
        for asked in [Asked::Token, Asked::WecomToken, Asked::Ticket, Asked::Loader] {
            let list = advice(99999, "", asked);
            assert!(list.contains("list of return codes"), "{list}");
            for code in KNOWN {
                let advice = advice(code, "", asked);
                assert_ne!(advice, list, "{code}");
                assert!(!advice.contains('{') && !advice.ends_with('.'), "{advice}");
            }
        }
    }

    #[test]
    fn advice_fits_what_was_asked_for() {
        let all = |code| {
            [Asked::Token, Asked::WecomToken, Asked::Ticket].map(|asked| advice(code, "", asked))
        };
        assert_eq!(
            all(40001),
            [
                "Check the AppSecret",
                "Check the corpsecret",
                "Another program replaced the access token: stop it, or use the endpoint \"stable\"",
            ]
        );
        assert_eq!(
            all(40013),
            [
                "Check the appid (case-sensitive), and for WeCom set endpoint to \"wecom\"",
                "Check the corpid (case-sensitive)",
                "Check the appid (case-sensitive)",
            ]
        );
        let cause = Cause::Api { errcode: 40125, errmsg: "invalid appsecret".into() };
        let what = "errcode 40125 (invalid appsecret). Check the AppSecret: perhaps it was reset in WeChat's console";
        assert_eq!(describe(&cause, Asked::Token), format!("WeChat answered {what}"));
        assert_eq!(describe(&cause, Asked::Loader), format!("the loader returned {what}"));
    }

    #[test]
    fn retry_policies_are_those_of_the_documents() {
        assert_eq!(retry_policy(-1), RetryPolicy::Backoff);
        assert_eq!(retry_policy(45011), RetryPolicy::NextMinute);
        assert_eq!(retry_policy(45009), RetryPolicy::NextMinuteThen(HOUR));
        assert_eq!(retry_policy(89507), RetryPolicy::AddressRefused(HOUR));
        assert_eq!(retry_policy(89506), RetryPolicy::AddressRefused(LONGEST_PAUSE));
        for code in [40164, 60020, 61004, 89501, 89503] {
            assert_eq!(retry_policy(code), RetryPolicy::AccountAddressRefused(MINUTE), "{code}");
        }
        for code in [40013, 40125, 40243, 50004, 50007, 99999] {
            assert_eq!(retry_policy(code), RetryPolicy::AccountRefused(MINUTE), "{code}");
        }
    }

    #[test]
    fn the_address_to_whitelist_is_told() {
        let unknown = advice(40164, "not in whitelist", Asked::Token);
        assert_eq!(unknown, "Add this server's public IP to the account's IP whitelist");
        for errmsg in [
            "invalid ip 1.2.3.4, not in whitelist hint: [x]",
            "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 1",
        ] {
            let advice = advice(40164, errmsg, Asked::Token);
            assert_eq!(advice, "Add 1.2.3.4 to the account's IP whitelist", "{errmsg}");
        }
    }
}
