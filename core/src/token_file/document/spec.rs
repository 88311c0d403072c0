//! What a caller expects of a token file.

use super::layout::Layout;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    AccessToken,
    JsapiTicket,
    CardTicket,
    AgentConfigTicket,
    /// Any of these: a status describes the file without knowing.
    Any,
}

impl CredentialKind {
    /// Those that a call can ask for.
    pub(super) const ALL: [Self; 4] =
        [Self::AccessToken, Self::JsapiTicket, Self::CardTicket, Self::AgentConfigTicket];

    pub(super) fn key(self) -> &'static str {
        self.keys().first().copied().unwrap_or_default()
    }

    /// The keys under which files keep it, that of a new file first.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AccessToken => &["access_token"],
            Self::JsapiTicket => &["jsapi_ticket", "ticket"],
            Self::CardTicket => &["wx_card_ticket", "api_ticket", "ticket"],
            Self::AgentConfigTicket => &["agent_config_ticket", "ticket"],
            Self::Any => &[
                "access_token",
                "jsapi_ticket",
                "wx_card_ticket",
                "api_ticket",
                "agent_config_ticket",
                "ticket",
            ],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSpec {
    pub kind: CredentialKind,
    /// Its layout, where the content does not tell.
    pub layout: Option<Layout>,
}
