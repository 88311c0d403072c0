//! What a caller expects of a token file.

use super::layout::Layout;

/// Which credential a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    AccessToken,
    /// A ticket for web pages that use WeChat's JavaScript interface.
    JsapiTicket,
    /// A ticket for cards and coupons.
    CardTicket,
    /// A ticket of one WeCom application.
    AgentConfigTicket,
    /// Any of these: a status describes the file without knowing.
    Any,
}

impl CredentialKind {
    pub(super) fn key(self) -> &'static str {
        self.keys().first().copied().unwrap_or_default()
    }

    /// The keys under which files keep it, that of a new file first.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AccessToken => &["access_token"],
            Self::JsapiTicket => &["jsapi_ticket", "ticket"],
            Self::CardTicket => &["wx_card_ticket", "ticket"],
            Self::AgentConfigTicket => &["agent_config_ticket", "ticket"],
            Self::Any => {
                &["access_token", "jsapi_ticket", "wx_card_ticket", "agent_config_ticket", "ticket"]
            }
        }
    }
}

/// What a caller expects of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpec {
    pub kind: CredentialKind,
    /// Its layout, where the content does not tell.
    pub layout: Option<Layout>,
}
