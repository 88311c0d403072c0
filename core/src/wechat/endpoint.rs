//! WeChat's token endpoints, and the addresses at which they are reached.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use crate::names;

/// Which of WeChat's interfaces hands out the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// `POST /cgi-bin/stable_token`: asking again never invalidates what others hold.
    #[default]
    Stable,
    /// `GET /cgi-bin/token`: each call mints a new token, and the old one lives five more minutes.
    Classic,
    /// WeCom's `GET /cgi-bin/gettoken`.
    Wecom,
}

impl Endpoint {
    /// Every endpoint's name.
    pub const NAMES: &str = "\"stable\", \"classic\" or \"wecom\"";

    /// The endpoint's name in options and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Classic => "classic",
            Self::Wecom => "wecom",
        }
    }

    /// Where the endpoint is reached unless a setting says otherwise.
    #[must_use]
    pub fn default_base(self) -> ApiBase {
        let base = match self {
            Self::Stable | Self::Classic => "https://api.weixin.qq.com",
            Self::Wecom => "https://qyapi.weixin.qq.com",
        };
        ApiBase(base.to_owned())
    }

    /// Whether a request may be sent to a second host after a first: a token must not be minted
    /// twice, and only the stable endpoint answers a repeated request with the same one.
    #[must_use]
    pub const fn may_try_other_hosts(self) -> bool {
        matches!(self, Self::Stable)
    }
}

impl FromStr for Endpoint {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "stable" => Ok(Self::Stable),
            "classic" => Ok(Self::Classic),
            "wecom" => Ok(Self::Wecom),
            _ => Err(()),
        }
    }
}

/// The base URL of an endpoint: https, or plain http to this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBase(String);

impl ApiBase {
    /// The URL of the interface at `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether it is on this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let uri = self.0.parse::<Uri>();
        uri.is_ok_and(|uri| uri.host().is_some_and(names::is_loopback))
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ApiBase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base = text.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| "is not a URL")?;
        let authority = uri.authority().ok_or("is not a URL")?;
        if authority.as_str().contains('@') {
            return Err("must not hold a user or password");
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must end with the host or a path");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(base.to_owned())),
            Some("http") if names::is_loopback(authority.host()) => Ok(Self(base.to_owned())),
            Some("http") => Err("must be https: plain http is for loopback addresses alone"),
            _ => Err("must begin with https://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_https_or_loopback() {
        for good in [
            "https://api.weixin.qq.com",
            "https://gateway.example/wechat/",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost",
            "http://api.LOCALHOST:8080",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(good.parse::<ApiBase>().is_ok(), "{good}");
        }
        for bad in [
            "http://api.weixin.qq.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://user:pass@host",
            "ftp://host",
            "host",
            "/cgi-bin",
            "https://host/?a=b",
            "",
        ] {
            assert!(bad.parse::<ApiBase>().is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_are_the_base_and_the_path() {
        let url = "https://host/a/".parse().map(|base: ApiBase| base.url("/cgi-bin/token"));
        assert_eq!(url, Ok("https://host/a/cgi-bin/token".to_owned()));
    }
}
