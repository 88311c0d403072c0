//! The tokens of one account: created, repeated, replaced, expired, invalidated.
//!
//! This file has every rule that WeChat publishes about the lifetime of a token. It knows no HTTP and
//! reads no clock. Sources, below developers.weixin.qq.com: doc/oplatform/developers/dev/AccessToken.html
//! (the overlap of five minutes), doc/subscription/api/base/api_getaccesstoken.html,
//! doc/channels/API/leagueheadsupplier/getStableAccessToken.html (renewal, force);
//! developer.work.weixin.qq.com/document/path/91039 (WeCom).

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::endpoint::Service;
use crate::errcode::Errcode;
use crate::options::Options;
use crate::quota::{ForceQuota, Limits, Quota};
use crate::random;

/// The endpoint that created a token. Tokens of one kind never affect those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `/cgi-bin/token`
    Classic,
    /// `/cgi-bin/stable_token`
    Stable,
    /// `/cgi-bin/gettoken`
    Wecom,
}

impl Kind {
    pub(crate) fn service(self) -> Service {
        match self {
            Self::Classic | Self::Stable => Service::OfficialAccount,
            Self::Wecom => Service::Wecom,
        }
    }
}

/// What WeChat's APIs say about a token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether they accept it now.
    pub valid: bool,
    /// 0, 40014 (never issued), 42001 (expired) or 40001 (replaced or invalidated).
    pub errcode: i64,
    /// Seconds until they reject it, for any reason that is known now; 0 if they reject it already.
    pub seconds_left: f64,
}

/// What a fetch returns.
#[derive(Clone, Debug)]
pub(crate) struct TokenResponse {
    pub(crate) token: String,
    /// Lifetime left in whole seconds, rounded down.
    pub(crate) expires_in: u64,
    /// False if an earlier fetch returned it, too.
    pub(crate) is_new: bool,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    created: Moment,
    expires: Moment,
    /// The moment from which WeChat rejects it as "not latest"; may lie ahead.
    invalidated: Option<Moment>,
}

impl Token {
    fn rejection(&self, now: Moment) -> Option<Errcode> {
        match self.invalidated {
            Some(moment) if moment < self.expires && moment <= now => {
                Some(Errcode::INVALID_CREDENTIAL)
            }
            _ if self.expires <= now => Some(Errcode::ACCESS_TOKEN_EXPIRED),
            _ => None,
        }
    }

    fn time_left(&self, now: Moment) -> Duration {
        let end = self.invalidated.map_or(self.expires, |moment| moment.min(self.expires));
        end.saturating_sub(now)
    }

    fn invalidate(&mut self, at: Moment) {
        self.invalidated = Some(self.invalidated.map_or(at, |moment| moment.min(at)));
    }
}

/// Everything that WeChat remembers of an account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    issued: HashMap<String, Token>,
    latest: HashMap<Kind, String>,
    classic_quota: Quota,
    stable_quota: Quota,
    force_quota: ForceQuota,
}

impl Account {
    /// A new token at every call; the one before stays valid for at most `overlap`.
    pub(crate) fn fetch_classic(
        &mut self,
        rules: &Options,
        now: Moment,
    ) -> Result<TokenResponse, Errcode> {
        let limits = Limits {
            day: rules.daily_quota,
            minute: rules.minute_quota,
            minute_errcode: Errcode(rules.minute_errcode),
        };
        self.classic_quota.count_call(limits, now)?;
        Ok(self.issue(Kind::Classic, rules, now))
    }

    /// The same token until `renewal` before its expiry. A forced call that comes too soon or too
    /// often is answered like an ordinary one.
    pub(crate) fn fetch_stable(
        &mut self,
        force: bool,
        rules: &Options,
        now: Moment,
    ) -> Result<TokenResponse, Errcode> {
        let limits = Limits {
            day: rules.stable_daily_quota,
            minute: Some(rules.stable_minute_quota),
            minute_errcode: Errcode(rules.minute_errcode),
        };
        self.stable_quota.count_call(limits, now)?;
        if force && self.force_quota.allows(rules.force_daily, rules.force_interval, now) {
            self.invalidate(Some(Kind::Stable), now);
            return Ok(self.issue(Kind::Stable, rules, now));
        }
        // An invalidated token is repeated, too: only its expiry or force replaces it.
        Ok(self.repeat_if(Kind::Stable, rules, now, |token| {
            token.expires > now && token.expires.saturating_sub(now) >= rules.renewal
        }))
    }

    /// The same token as long as it is valid.
    pub(crate) fn fetch_wecom(&mut self, rules: &Options, now: Moment) -> TokenResponse {
        self.repeat_if(Kind::Wecom, rules, now, |token| token.rejection(now).is_none())
    }

    /// The kind of a valid token, or why an API rejects it.
    pub(crate) fn validate(&self, token: &str, now: Moment) -> Result<Kind, (Errcode, Service)> {
        let Some(known) = self.issued.get(token) else {
            return Err((Errcode::INVALID_ACCESS_TOKEN, Service::OfficialAccount));
        };
        match known.rejection(now) {
            Some(errcode) => Err((errcode, known.kind.service())),
            None => Ok(known.kind),
        }
    }

    pub(crate) fn age(&self, token: &str, now: Moment) -> Option<Duration> {
        self.issued.get(token).map(|token| now.saturating_sub(token.created))
    }

    pub(crate) fn verdict(&self, token: &str, now: Moment) -> Verdict {
        let errcode = self.validate(token, now).err().map_or(0, |(code, _)| code.0);
        let seconds_left =
            self.issued.get(token).map_or(0.0, |known| known.time_left(now).as_secs_f64());
        Verdict { valid: errcode == 0, errcode, seconds_left }
    }

    pub(crate) fn count_valid(&self, now: Moment) -> usize {
        self.issued.values().filter(|token| token.rejection(now).is_none()).count()
    }

    /// Lets the valid tokens (of one kind) expire now.
    pub(crate) fn expire(&mut self, kind: Option<Kind>, now: Moment) {
        self.each_valid(kind, now, |token| token.expires = now);
    }

    /// Invalidates the valid tokens (of one kind) before their expiry.
    pub(crate) fn invalidate(&mut self, kind: Option<Kind>, now: Moment) {
        self.each_valid(kind, now, |token| token.invalidate(now));
    }

    fn each_valid(&mut self, kind: Option<Kind>, now: Moment, change: impl Fn(&mut Token)) {
        self.issued
            .values_mut()
            .filter(|token| kind.is_none_or(|kind| kind == token.kind))
            .filter(|token| token.rejection(now).is_none())
            .for_each(change);
    }

    /// The latest token if it is `good`, or else a new one.
    fn repeat_if(
        &mut self,
        kind: Kind,
        rules: &Options,
        now: Moment,
        good: impl Fn(&Token) -> bool,
    ) -> TokenResponse {
        let latest = self.latest.get(&kind).and_then(|name| self.issued.get_key_value(name));
        match latest.filter(|(_, token)| good(token)) {
            Some((name, token)) => TokenResponse {
                token: name.clone(),
                expires_in: token.expires.saturating_sub(now).as_secs(),
                is_new: false,
            },
            None => self.issue(kind, rules, now),
        }
    }

    fn issue(&mut self, kind: Kind, rules: &Options, now: Moment) -> TokenResponse {
        let name = random::token(rules.token_length);
        let replaced = self.latest.insert(kind, name.clone());
        if let Some(token) = replaced.and_then(|name| self.issued.get_mut(&name)) {
            token.invalidate(now.saturating_add(rules.overlap));
        }
        let expires = now.saturating_add(rules.lifetime);
        self.issued.insert(name.clone(), Token { kind, created: now, expires, invalidated: None });
        TokenResponse { token: name, expires_in: rules.lifetime.as_secs(), is_new: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    fn errcode(account: &Account, response: &TokenResponse, seconds: u64) -> i64 {
        account.verdict(&response.token, at(seconds)).errcode
    }

    #[test]
    fn a_classic_fetch_creates_a_token_and_the_old_one_is_valid_through_the_overlap() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_classic(&rules, at(0)).unwrap();
        assert_eq!((first.expires_in, first.is_new), (7200, true));
        assert_eq!(account.verdict(&first.token, at(0)).seconds_left, 7200.0);

        let second = account.fetch_classic(&rules, at(100)).unwrap();
        assert_ne!(first.token, second.token);
        assert_eq!(account.verdict(&first.token, at(100)).seconds_left, 300.0);
        assert_eq!(errcode(&account, &first, 399), 0);
        assert_eq!(errcode(&account, &first, 400), 40001);
        assert_eq!(errcode(&account, &second, 7299), 0);
        assert_eq!(errcode(&account, &second, 7300), 42001);
    }

    #[test]
    fn a_third_fetch_leaves_the_first_tokens_deadline_alone() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_classic(&rules, at(0)).unwrap();
        account.fetch_classic(&rules, at(100)).unwrap();
        account.fetch_classic(&rules, at(200)).unwrap();
        assert_eq!(account.count_valid(at(200)), 3);
        assert_eq!(errcode(&account, &first, 399), 0);
        assert_eq!(errcode(&account, &first, 400), 40001);
    }

    #[test]
    fn a_token_replaced_shortly_before_its_expiry_just_expires() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_classic(&rules, at(0)).unwrap();
        account.fetch_classic(&rules, at(7100)).unwrap();
        assert_eq!(errcode(&account, &first, 7199), 0);
        assert_eq!(errcode(&account, &first, 7200), 42001);
        assert_eq!(errcode(&account, &first, 7400), 42001);
    }

    #[test]
    fn a_stable_fetch_repeats_the_token_until_the_renewal_window() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_stable(false, &rules, at(0)).unwrap();
        let again = account.fetch_stable(false, &rules, at(6900)).unwrap();
        assert_eq!((&again.token, again.expires_in, again.is_new), (&first.token, 300, false));

        let renewed = account.fetch_stable(false, &rules, at(6901)).unwrap();
        assert_ne!(renewed.token, first.token);
        assert_eq!(renewed.expires_in, 7200);
        assert_eq!(errcode(&account, &first, 7199), 0);
        assert_eq!(errcode(&account, &first, 7200), 42001);
    }

    #[test]
    fn the_lifetime_left_is_rounded_down() {
        let (mut account, rules) = (Account::default(), Options::default());
        account.fetch_stable(false, &rules, at(0)).unwrap();
        let again = account.fetch_stable(false, &rules, Duration::from_millis(1)).unwrap();
        assert_eq!(again.expires_in, 7199);
    }

    #[test]
    fn force_invalidates_the_previous_token_at_once() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_stable(false, &rules, at(0)).unwrap();
        let forced = account.fetch_stable(true, &rules, at(10)).unwrap();
        assert_ne!(forced.token, first.token);
        assert_eq!(errcode(&account, &first, 10), 40001);
        assert_eq!(errcode(&account, &forced, 10), 0);
    }

    #[test]
    fn force_too_soon_or_too_often_does_not_refresh() {
        let mut account = Account::default();
        let rules = Options { force_daily: 2, ..Options::default() };
        let first = account.fetch_stable(true, &rules, at(0)).unwrap();
        let soon = account.fetch_stable(true, &rules, at(29)).unwrap();
        assert_eq!((&soon.token, soon.expires_in), (&first.token, 7171));
        let second = account.fetch_stable(true, &rules, at(30)).unwrap();
        assert_ne!(second.token, first.token);
        let third = account.fetch_stable(true, &rules, at(60)).unwrap();
        assert_eq!(third.token, second.token);
    }

    #[test]
    fn the_kinds_are_isolated() {
        let (mut account, rules) = (Account::default(), Options::default());
        let stable = account.fetch_stable(false, &rules, at(0)).unwrap();
        let wecom = account.fetch_wecom(&rules, at(0));
        account.fetch_classic(&rules, at(0)).unwrap();
        account.fetch_classic(&rules, at(0)).unwrap();
        assert_eq!(errcode(&account, &stable, 301), 0);
        account.fetch_stable(true, &rules, at(301)).unwrap();
        assert_eq!(errcode(&account, &wecom, 301), 0);
        assert_eq!(account.validate(&wecom.token, at(301)), Ok(Kind::Wecom));
    }

    #[test]
    fn wecom_repeats_a_valid_token_with_the_lifetime_left() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_wecom(&rules, at(0));
        let again = account.fetch_wecom(&rules, at(7199));
        assert_eq!((&again.token, again.expires_in), (&first.token, 1));
        assert_ne!(account.fetch_wecom(&rules, at(7200)).token, first.token);
    }

    #[test]
    fn quotas_reject_with_their_own_codes() {
        let mut account = Account::default();
        let rules = Options {
            daily_quota: 2,
            minute_quota: Some(1),
            stable_daily_quota: 2,
            stable_minute_quota: 1,
            ..Options::default()
        };
        assert!(account.fetch_classic(&rules, at(0)).is_ok());
        assert!(account.fetch_stable(false, &rules, at(0)).is_ok());
        for (moment, code) in [(1, 45011), (120, 45009)] {
            if code == 45009 {
                assert!(account.fetch_classic(&rules, at(60)).is_ok());
                assert!(account.fetch_stable(false, &rules, at(60)).is_ok());
            }
            let classic = account.fetch_classic(&rules, at(moment)).unwrap_err();
            let stable = account.fetch_stable(false, &rules, at(moment)).unwrap_err();
            assert_eq!((classic.0, stable.0), (code, code));
        }
    }

    #[test]
    fn expiring_is_per_kind_and_a_new_token_follows() {
        let (mut account, rules) = (Account::default(), Options::default());
        let classic = account.fetch_classic(&rules, at(0)).unwrap();
        let stable = account.fetch_stable(false, &rules, at(0)).unwrap();
        account.expire(Some(Kind::Stable), at(5));
        assert_eq!(errcode(&account, &classic, 5), 0);
        assert_eq!(errcode(&account, &stable, 5), 42001);
        let next = account.fetch_stable(false, &rules, at(5)).unwrap();
        assert_ne!(next.token, stable.token);
    }

    #[test]
    fn an_invalidated_stable_token_is_repeated_until_forced() {
        let (mut account, rules) = (Account::default(), Options::default());
        let first = account.fetch_stable(false, &rules, at(0)).unwrap();
        account.invalidate(None, at(10));
        assert_eq!(errcode(&account, &first, 10), 40001);
        let again = account.fetch_stable(false, &rules, at(10)).unwrap();
        assert_eq!((&again.token, again.expires_in), (&first.token, 7190));
        let forced = account.fetch_stable(true, &rules, at(10)).unwrap();
        assert_ne!(forced.token, first.token);
        assert_eq!(errcode(&account, &forced, 10), 0);
    }

    #[test]
    fn an_invalidated_classic_or_wecom_token_is_replaced_at_the_next_fetch() {
        let (mut account, rules) = (Account::default(), Options::default());
        let classic = account.fetch_classic(&rules, at(0)).unwrap();
        let wecom = account.fetch_wecom(&rules, at(0));
        account.invalidate(None, at(10));
        assert_eq!(errcode(&account, &classic, 10), 40001);
        assert_ne!(account.fetch_wecom(&rules, at(10)).token, wecom.token);
        assert_ne!(account.fetch_classic(&rules, at(10)).unwrap().token, classic.token);
    }

    #[test]
    fn a_token_never_issued_is_40014_and_has_no_age() {
        let account = Account::default();
        assert_eq!(account.verdict("EMU", at(0)).errcode, 40014);
        assert_eq!(account.age("EMU", at(0)), None);
    }

    #[test]
    fn the_age_of_a_token_begins_at_its_first_fetch() {
        let (mut account, rules) = (Account::default(), Options::default());
        let token = account.fetch_stable(false, &rules, at(10)).unwrap().token;
        account.fetch_stable(false, &rules, at(15)).unwrap();
        assert_eq!(account.age(&token, at(25)), Some(at(15)));
    }
}
