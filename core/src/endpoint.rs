//! WeChat's token endpoints, and their base URLs.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use crate::names;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Endpoint {
    /// `POST /cgi-bin/stable_token`: repeated fetches return the same token.
    #[default]
    Stable,
    /// `GET /cgi-bin/token`: each fetch creates a new token, and the old one is valid for five more minutes.
    Classic,
    /// WeCom's `GET /cgi-bin/gettoken`.
    Wecom,
}

impl Endpoint {
    pub const NAMES: &str = "\"stable\", \"classic\" or \"wecom\"";

    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Classic => "classic",
            Self::Wecom => "wecom",
        }
    }

    /// The base URL of the endpoint unless a setting says otherwise.
    pub(crate) fn default_base(self) -> ApiBase {
        let base = match self {
            Self::Stable | Self::Classic => "https://api.weixin.qq.com",
            Self::Wecom => "https://qyapi.weixin.qq.com",
        };
        ApiBase(base.to_owned())
    }
}

impl FromStr for Endpoint {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let all = [Self::Stable, Self::Classic, Self::Wecom];
        all.into_iter().find(|endpoint| endpoint.name() == name).ok_or(())
    }
}

/// The base URL of an endpoint: https, or plain http to this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiBase(String);

impl ApiBase {
    pub(crate) fn is_https(&self) -> bool {
        self.0.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let uri = self.0.parse::<Uri>();
        uri.is_ok_and(|uri| uri.host().is_some_and(names::is_loopback))
    }
}

impl fmt::Display for ApiBase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the text must be, if it is no base URL.
impl FromStr for ApiBase {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base = text.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| "must be a URL")?;
        let authority = uri.authority().ok_or("must have a host")?;
        if authority.as_str().contains('@') {
            return Err("must not contain a user or password");
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must not contain a query or fragment");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(base.to_owned())),
            Some("http") if names::is_loopback(authority.host()) => Ok(Self(base.to_owned())),
            _ => Err("must begin with https:// (http:// only for localhost, 127.0.0.1 and [::1])"),
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
        let url = "https://host/a/".parse().map(|base: ApiBase| format!("{base}/cgi-bin/token"));
        assert_eq!(url, Ok("https://host/a/cgi-bin/token".to_owned()));
    }
}
