//! WeChat's errcodes, and the messages that come with them.
//!
//! Codes: the tables of developers.weixin.qq.com/doc/subscription/api/base/api_getaccesstoken.html
//! and api_getstableaccesstoken.html, and Wechat-Group/WxJava's `WxMpErrorMsgEnum` and
//! `WxCpErrorMsgEnum`. Messages vary; these wordings were seen in practice.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::endpoint::Service;
use crate::random;

/// The number in `errcode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errcode(pub(crate) i64);

impl Errcode {
    /// A token that was replaced or invalidated; from WeCom's `gettoken`, a wrong secret.
    pub(crate) const INVALID_CREDENTIAL: Self = Self(40001);
    pub(crate) const INVALID_GRANT_TYPE: Self = Self(40002);
    /// The appid or corpid is not the account's; it is case-sensitive.
    pub(crate) const INVALID_APPID: Self = Self(40013);
    /// A token that was never issued, or that the other service issued.
    pub(crate) const INVALID_ACCESS_TOKEN: Self = Self(40014);
    pub(crate) const INVALID_ARGS: Self = Self(40097);
    pub(crate) const INVALID_SECRET: Self = Self(40125);
    pub(crate) const IP_NOT_LISTED: Self = Self(40164);
    pub(crate) const ACCESS_TOKEN_MISSING: Self = Self(41001);
    pub(crate) const APPID_MISSING: Self = Self(41002);
    pub(crate) const SECRET_MISSING: Self = Self(41004);
    pub(crate) const ACCESS_TOKEN_EXPIRED: Self = Self(42001);
    pub(crate) const GET_REQUIRED: Self = Self(43001);
    pub(crate) const POST_REQUIRED: Self = Self(43002);
    pub(crate) const DAILY_QUOTA_REACHED: Self = Self(45009);
    pub(crate) const DATA_FORMAT: Self = Self(47001);
    pub(crate) const WECOM_IP_NOT_LISTED: Self = Self(60020);

    /// The `errmsg` that `service` sends to a caller at `from`, with the ending that varies.
    pub(crate) fn message(self, service: Service, from: IpAddr) -> String {
        let text = self.wording(service, from);
        match service {
            Service::OfficialAccount => format!("{text} rid: {}", random::rid()),
            Service::Wecom => format!(
                "{text}, hint: [{}], from ip: {from}, more info at \
                 https://open.work.weixin.qq.com/devtool/query?e={}",
                fastrand::u64(10_u64.pow(18)..),
                self.0
            ),
        }
    }

    fn wording(self, service: Service, from: IpAddr) -> Cow<'static, str> {
        let wecom = service == Service::Wecom;
        Cow::Borrowed(match self.0 {
            -1 => "system error",
            40001 if wecom => "invalid credential",
            40001 => {
                "invalid credential, access_token is invalid or not latest, could get access_token \
                 by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
            }
            40002 => "invalid grant_type",
            40013 if wecom => "invalid corpid",
            40013 => "invalid appid",
            40014 => "invalid access_token",
            40097 => "invalid args",
            40125 => "invalid appsecret",
            40164 => {
                let ipv6 = match from {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                return Cow::Owned(format!("invalid ip {from} ipv6 {ipv6}, not in whitelist"));
            }
            40243 => "AppSecret has been frozen",
            41001 => "access_token missing",
            41002 if wecom => "corpid missing",
            41002 => "appid missing",
            41004 if wecom => "corpsecret missing",
            41004 => "appsecret missing",
            42001 => "access_token expired",
            43001 => "require GET method",
            43002 => "require POST method",
            45009 => "reach max api daily quota limit",
            45011 => "api minute-quota reach limit must slower retry next minute",
            47001 => "data format error",
            48001 => "api unauthorized",
            50002 => "user limited",
            50004 => "user not allow to use accesstoken, maybe for punishment",
            50007 => "account frozen",
            60020 => "not allow to access from your ip",
            61004 => "access clientip is not registered",
            89501 => "ip call is awaiting the administrator's confirmation",
            89503 => "ip call needs the administrator's confirmation",
            89506 => "ip call refused twice by the administrator, retry in 24 hours",
            89507 => "ip call refused by the administrator, retry in 1 hour",
            _ => "scripted error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_errmsg_of_40164_names_the_ip_in_both_spellings() {
        let message = Errcode::IP_NOT_LISTED.message(Service::OfficialAccount, HERE);
        assert!(
            message
                .starts_with("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: "),
            "{message}"
        );
    }

    #[test]
    fn a_wecom_message_ends_in_hint_ip_and_link() {
        let message = Errcode::INVALID_APPID.message(Service::Wecom, HERE);
        assert!(message.starts_with("invalid corpid, hint: ["), "{message}");
        assert!(
            message.ends_with(
                "], from ip: 127.0.0.1, more info at \
                 https://open.work.weixin.qq.com/devtool/query?e=40013"
            ),
            "{message}"
        );
    }
}
