//! What is sent to WeChat for a token or a ticket.

use serde_json::{Value, json};

use super::endpoint::Endpoint;
use crate::account::Account;
use crate::secret::Secret;

/// One request, and how to read its answer.
pub struct Request {
    /// The interface's path.
    pub path: &'static str,
    /// What goes with it.
    pub payload: Payload,
    /// The key of the answer under which the token or ticket stands.
    pub granted: &'static str,
    /// What must not be shown of the answer, should it repeat it.
    pub secret: Secret,
}

/// Method and parameters.
pub enum Payload {
    /// GET, with these query parameters.
    Get(Vec<(&'static str, String)>),
    /// POST, with this JSON.
    Post(Value),
}

const ACCESS_TOKEN: &str = "access_token";
const CREDENTIALS: &str = "client_credential";

impl Request {
    /// Asks for the access token of `account`. `force` asks the stable endpoint for a new one.
    #[must_use]
    pub fn token(account: &Account, force: bool) -> Self {
        let Account { appid, secret, endpoint } = account;
        let (appid, secret_text) = (appid.clone(), secret.reveal().to_owned());
        let (path, payload) = match endpoint {
            Endpoint::Stable => (
                "/cgi-bin/stable_token",
                Payload::Post(json!({
                    "grant_type": CREDENTIALS,
                    "appid": appid,
                    "secret": secret_text,
                    "force_refresh": force,
                })),
            ),
            Endpoint::Classic => (
                "/cgi-bin/token",
                Payload::Get(vec![
                    ("grant_type", CREDENTIALS.to_owned()),
                    ("appid", appid),
                    ("secret", secret_text),
                ]),
            ),
            Endpoint::Wecom => (
                "/cgi-bin/gettoken",
                Payload::Get(vec![("corpid", appid), ("corpsecret", secret_text)]),
            ),
        };
        Self { path, payload, granted: ACCESS_TOKEN, secret: secret.clone() }
    }
}

/// The tickets that WeChat and WeCom hand out for an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    /// `jsapi` of an official account.
    Jsapi,
    /// `wx_card` of an official account.
    Card,
    /// `jsapi` of a WeCom corporation.
    WecomJsapi,
    /// `agent_config` of a WeCom application.
    AgentConfig,
}

impl TicketKind {
    /// What tickets may be called.
    pub const NAMES: &str = "must be \"jsapi\", \"wx_card\" or \"agent_config\" (WeCom only)";

    /// The ticket that is called `name` at `endpoint`.
    ///
    /// # Errors
    /// What it may be called.
    pub fn parse(name: &str, endpoint: Endpoint) -> Result<Self, &'static str> {
        match (name, endpoint) {
            ("jsapi", Endpoint::Wecom) => Ok(Self::WecomJsapi),
            ("agent_config", Endpoint::Wecom) => Ok(Self::AgentConfig),
            (_, Endpoint::Wecom) => Err("must be \"jsapi\" or \"agent_config\" for WeCom"),
            ("jsapi", _) => Ok(Self::Jsapi),
            ("wx_card", _) => Ok(Self::Card),
            _ => Err(Self::NAMES),
        }
    }

    /// The request for it.
    #[must_use]
    pub fn request(self, access_token: &str) -> Request {
        let (path, kind) = match self {
            Self::Jsapi => ("/cgi-bin/ticket/getticket", Some("jsapi")),
            Self::Card => ("/cgi-bin/ticket/getticket", Some("wx_card")),
            Self::WecomJsapi => ("/cgi-bin/get_jsapi_ticket", None),
            Self::AgentConfig => ("/cgi-bin/ticket/get", Some("agent_config")),
        };
        let mut query = vec![(ACCESS_TOKEN, access_token.to_owned())];
        query.extend(kind.map(|kind| ("type", kind.to_owned())));
        let secret = Secret::new(access_token);
        Request { path, payload: Payload::Get(query), granted: "ticket", secret }
    }
}
