//! The tokens of one account: minted, renewed, replaced, expired, revoked.
//!
//! Nothing here knows HTTP or reads a clock. Every rule that WeChat publishes about a token's life
//! is in this file. Below developers.weixin.qq.com: doc/oplatform/developers/dev/AccessToken.html
//! (the five minutes' overlap), doc/subscription/api/base/api_getaccesstoken.html,
//! doc/channels/API/leagueheadsupplier/getStableAccessToken.html (renewal, force);
//! developer.work.weixin.qq.com/document/path/91039 (WeCom).

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::endpoint::Service;
use crate::errcode::Errcode;
use crate::mint;
use crate::options::Options;
use crate::quota::{ForceQuota, Limits, Quota};

/// Which endpoint minted a token. Tokens of one kind never affect those of another.
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

/// The truth about a token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether WeChat's APIs would accept it now.
    pub valid: bool,
    /// What they would answer: 0, 40014 (never issued), 42001 (expired) or 40001 (replaced or revoked).
    pub errcode: i64,
    /// Seconds until it stops being valid, all known reasons considered; 0 for a dead token.
    pub seconds_left: f64,
}

/// What a fetch is given.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) token: String,
    /// Whole seconds of life left, rounded down.
    pub(crate) expires_in: u64,
    /// False when it was handed out before.
    pub(crate) minted: bool,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    expires: Moment,
    /// From when on it is "not latest"; may lie ahead.
    revoked: Option<Moment>,
}

impl Token {
    fn refusal(&self, now: Moment) -> Option<Errcode> {
        match self.revoked {
            Some(revoked) if revoked < self.expires && revoked <= now => {
                Some(Errcode::INVALID_CREDENTIAL)
            }
            _ if self.expires <= now => Some(Errcode::ACCESS_TOKEN_EXPIRED),
            _ => None,
        }
    }

    fn time_left(&self, now: Moment) -> Duration {
        let end = self.revoked.map_or(self.expires, |revoked| revoked.min(self.expires));
        end.saturating_sub(now)
    }

    fn revoke(&mut self, at: Moment) {
        self.revoked = Some(self.revoked.map_or(at, |revoked| revoked.min(at)));
    }
}

/// Everything WeChat remembers of an account.
#[derive(Debug)]
pub(crate) struct Account {
    issued: HashMap<String, Token>,
    latest: HashMap<Kind, String>,
    classic_quota: Quota,
    stable_quota: Quota,
    force_quota: ForceQuota,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self {
            issued: HashMap::new(),
            latest: HashMap::new(),
            classic_quota: Quota::new(),
            stable_quota: Quota::new(),
            force_quota: ForceQuota::new(),
        }
    }

    /// A new token at every call; the one before lives at most `overlap` longer.
    pub(crate) fn classic(&mut self, rules: &Options, now: Moment) -> Result<Grant, Errcode> {
        let limits = Limits {
            day: Some(rules.daily_quota),
            minute: rules.minute_quota,
            minute_errcode: Errcode(rules.minute_errcode),
        };
        self.classic_quota.take(limits, now)?;
        Ok(self.mint(Kind::Classic, rules, now))
    }

    /// The same token while it has `renewal` or more to live. A forced call that comes too soon or
    /// too often is answered like an ordinary one.
    pub(crate) fn stable(
        &mut self,
        force: bool,
        rules: &Options,
        now: Moment,
    ) -> Result<Grant, Errcode> {
        let limits = Limits {
            day: Some(rules.stable_daily_quota),
            minute: Some(rules.stable_minute_quota),
            minute_errcode: Errcode(rules.minute_errcode),
        };
        self.stable_quota.take(limits, now)?;
        let forced = force && self.force_quota.take(rules.force_daily, rules.force_interval, now);
        if forced {
            self.invalidate(Some(Kind::Stable), now);
            return Ok(self.mint(Kind::Stable, rules, now));
        }
        // A revoked token is still the account's: only its own expiry or force replaces it.
        let grant = self
            .latest(Kind::Stable)
            .filter(|(_, token)| {
                token.expires > now && token.expires.saturating_sub(now) >= rules.renewal
            })
            .map(|(name, token)| again(name, token, now));
        Ok(grant.unwrap_or_else(|| self.mint(Kind::Stable, rules, now)))
    }

    /// The same token as long as it is valid.
    pub(crate) fn wecom(&mut self, rules: &Options, now: Moment) -> Grant {
        let grant = self
            .latest(Kind::Wecom)
            .filter(|(_, token)| token.refusal(now).is_none())
            .map(|(name, token)| again(name, token, now));
        grant.unwrap_or_else(|| self.mint(Kind::Wecom, rules, now))
    }

    /// Which kind of token this is, or why an API would refuse it.
    pub(crate) fn accept(&self, token: &str, now: Moment) -> Result<Kind, (Errcode, Service)> {
        let Some(known) = self.issued.get(token) else {
            return Err((Errcode::INVALID_ACCESS_TOKEN, Service::OfficialAccount));
        };
        match known.refusal(now) {
            Some(errcode) => Err((errcode, known.kind.service())),
            None => Ok(known.kind),
        }
    }

    pub(crate) fn verdict(&self, token: &str, now: Moment) -> Verdict {
        let errcode = self.accept(token, now).err().map_or(0, |(code, _)| code.0);
        let seconds_left =
            self.issued.get(token).map_or(0.0, |known| known.time_left(now).as_secs_f64());
        Verdict { valid: errcode == 0, errcode, seconds_left }
    }

    pub(crate) fn alive(&self, now: Moment) -> usize {
        self.issued.values().filter(|token| token.refusal(now).is_none()).count()
    }

    /// Every live token (of one kind) expires now.
    pub(crate) fn expire(&mut self, kind: Option<Kind>, now: Moment) {
        for token in self.live(kind, now) {
            token.expires = now;
        }
    }

    /// Every live token (of one kind) is no longer accepted, though its time has not run out.
    pub(crate) fn invalidate(&mut self, kind: Option<Kind>, now: Moment) {
        for token in self.live(kind, now) {
            token.revoke(now);
        }
    }

    fn live(&mut self, kind: Option<Kind>, now: Moment) -> impl Iterator<Item = &mut Token> {
        self.issued
            .values_mut()
            .filter(move |token| kind.is_none_or(|kind| kind == token.kind))
            .filter(move |token| token.refusal(now).is_none())
    }

    fn latest(&self, kind: Kind) -> Option<(&String, &Token)> {
        self.latest.get(&kind).and_then(|name| self.issued.get_key_value(name))
    }

    fn mint(&mut self, kind: Kind, rules: &Options, now: Moment) -> Grant {
        let name = mint::secret_looking(rules.token_length);
        let replaced = self.latest.insert(kind, name.clone());
        if let Some(token) = replaced.and_then(|name| self.issued.get_mut(&name)) {
            token.revoke(now.saturating_add(rules.overlap));
        }
        self.issued.insert(
            name.clone(),
            Token { kind, expires: now.saturating_add(rules.lifetime), revoked: None },
        );
        Grant { token: name, expires_in: rules.lifetime.as_secs(), minted: true }
    }
}

fn again(name: &str, token: &Token, now: Moment) -> Grant {
    Grant {
        token: name.to_owned(),
        expires_in: token.expires.saturating_sub(now).as_secs(),
        minted: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    fn errcode(account: &Account, grant: &Grant, seconds: u64) -> i64 {
        account.verdict(&grant.token, at(seconds)).errcode
    }

    #[test]
    fn a_classic_fetch_mints_and_the_old_token_lives_through_the_overlap() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.classic(&rules, at(0)).unwrap();
        assert_eq!((first.expires_in, first.minted), (7200, true));
        assert_eq!(account.verdict(&first.token, at(0)).seconds_left, 7200.0);

        let second = account.classic(&rules, at(100)).unwrap();
        assert_ne!(first.token, second.token);
        assert_eq!(account.verdict(&first.token, at(100)).seconds_left, 300.0);
        assert_eq!(errcode(&account, &first, 399), 0);
        assert_eq!(errcode(&account, &first, 400), 40001);
        assert_eq!(errcode(&account, &second, 7299), 0);
        assert_eq!(errcode(&account, &second, 7300), 42001);
    }

    #[test]
    fn a_third_fetch_leaves_the_first_tokens_deadline_alone() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.classic(&rules, at(0)).unwrap();
        account.classic(&rules, at(100)).unwrap();
        account.classic(&rules, at(200)).unwrap();
        assert_eq!(account.alive(at(200)), 3);
        assert_eq!(errcode(&account, &first, 399), 0);
        assert_eq!(errcode(&account, &first, 400), 40001);
    }

    #[test]
    fn a_token_replaced_shortly_before_its_expiry_just_expires() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.classic(&rules, at(0)).unwrap();
        account.classic(&rules, at(7100)).unwrap();
        assert_eq!(errcode(&account, &first, 7199), 0);
        assert_eq!(errcode(&account, &first, 7200), 42001);
        assert_eq!(errcode(&account, &first, 7400), 42001);
    }

    #[test]
    fn a_stable_fetch_repeats_the_token_until_the_renewal_window() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.stable(false, &rules, at(0)).unwrap();
        let again = account.stable(false, &rules, at(6900)).unwrap();
        assert_eq!((&again.token, again.expires_in, again.minted), (&first.token, 300, false));

        let renewed = account.stable(false, &rules, at(6901)).unwrap();
        assert_ne!(renewed.token, first.token);
        assert_eq!(renewed.expires_in, 7200);
        assert_eq!(errcode(&account, &first, 7199), 0);
        assert_eq!(errcode(&account, &first, 7200), 42001);
    }

    #[test]
    fn life_left_is_rounded_down() {
        let (mut account, rules) = (Account::new(), Options::default());
        account.stable(false, &rules, at(0)).unwrap();
        let again = account.stable(false, &rules, Duration::from_millis(1)).unwrap();
        assert_eq!(again.expires_in, 7199);
    }

    #[test]
    fn force_kills_the_previous_token_at_once() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.stable(false, &rules, at(0)).unwrap();
        let forced = account.stable(true, &rules, at(10)).unwrap();
        assert_ne!(forced.token, first.token);
        assert_eq!(errcode(&account, &first, 10), 40001);
        assert_eq!(errcode(&account, &forced, 10), 0);
    }

    #[test]
    fn force_too_soon_or_too_often_does_not_refresh() {
        let mut account = Account::new();
        let rules = Options { force_daily: 2, ..Options::default() };
        let first = account.stable(true, &rules, at(0)).unwrap();
        let soon = account.stable(true, &rules, at(29)).unwrap();
        assert_eq!((&soon.token, soon.expires_in), (&first.token, 7171));
        let second = account.stable(true, &rules, at(30)).unwrap();
        assert_ne!(second.token, first.token);
        let third = account.stable(true, &rules, at(60)).unwrap();
        assert_eq!(third.token, second.token);
    }

    #[test]
    fn the_kinds_are_isolated() {
        let (mut account, rules) = (Account::new(), Options::default());
        let stable = account.stable(false, &rules, at(0)).unwrap();
        let wecom = account.wecom(&rules, at(0));
        account.classic(&rules, at(0)).unwrap();
        account.classic(&rules, at(0)).unwrap();
        assert_eq!(errcode(&account, &stable, 301), 0);
        account.stable(true, &rules, at(301)).unwrap();
        assert_eq!(errcode(&account, &wecom, 301), 0);
        assert_eq!(account.accept(&wecom.token, at(301)), Ok(Kind::Wecom));
    }

    #[test]
    fn wecom_repeats_a_valid_token_with_the_life_it_has_left() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.wecom(&rules, at(0));
        let again = account.wecom(&rules, at(7199));
        assert_eq!((&again.token, again.expires_in), (&first.token, 1));
        assert_ne!(account.wecom(&rules, at(7200)).token, first.token);
    }

    #[test]
    fn quotas_refuse_with_their_own_codes() {
        let mut account = Account::new();
        let rules = Options {
            daily_quota: 2,
            minute_quota: Some(1),
            stable_daily_quota: 2,
            stable_minute_quota: 1,
            ..Options::default()
        };
        assert!(account.classic(&rules, at(0)).is_ok());
        assert!(account.stable(false, &rules, at(0)).is_ok());
        for (moment, code) in [(1, 45011), (120, 45009)] {
            if code == 45009 {
                assert!(account.classic(&rules, at(60)).is_ok());
                assert!(account.stable(false, &rules, at(60)).is_ok());
            }
            let classic = account.classic(&rules, at(moment)).unwrap_err();
            let stable = account.stable(false, &rules, at(moment)).unwrap_err();
            assert_eq!((classic.0, stable.0), (code, code));
        }
    }

    #[test]
    fn expiring_is_per_kind_and_a_new_token_follows() {
        let (mut account, rules) = (Account::new(), Options::default());
        let classic = account.classic(&rules, at(0)).unwrap();
        let stable = account.stable(false, &rules, at(0)).unwrap();
        account.expire(Some(Kind::Stable), at(5));
        assert_eq!(errcode(&account, &classic, 5), 0);
        assert_eq!(errcode(&account, &stable, 5), 42001);
        let next = account.stable(false, &rules, at(5)).unwrap();
        assert_ne!(next.token, stable.token);
    }

    #[test]
    fn an_invalidated_stable_token_is_handed_out_until_forced() {
        let (mut account, rules) = (Account::new(), Options::default());
        let first = account.stable(false, &rules, at(0)).unwrap();
        account.invalidate(None, at(10));
        assert_eq!(errcode(&account, &first, 10), 40001);
        let again = account.stable(false, &rules, at(10)).unwrap();
        assert_eq!((&again.token, again.expires_in), (&first.token, 7190));
        let forced = account.stable(true, &rules, at(10)).unwrap();
        assert_ne!(forced.token, first.token);
        assert_eq!(errcode(&account, &forced, 10), 0);
    }

    #[test]
    fn an_invalidated_classic_or_wecom_token_is_replaced_at_the_next_fetch() {
        let (mut account, rules) = (Account::new(), Options::default());
        let classic = account.classic(&rules, at(0)).unwrap();
        let wecom = account.wecom(&rules, at(0));
        account.invalidate(None, at(10));
        assert_eq!(errcode(&account, &classic, 10), 40001);
        assert_ne!(account.wecom(&rules, at(10)).token, wecom.token);
        assert_ne!(account.classic(&rules, at(10)).unwrap().token, classic.token);
    }

    #[test]
    fn a_token_never_issued_is_40014() {
        assert_eq!(Account::new().verdict("EMU", at(0)).errcode, 40014);
    }
}
