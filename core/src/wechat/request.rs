//! What is sent to WeChat for a token or a ticket.

use serde_json::{Value, json};

use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::secret::Secret;

/// One request, and how to read its answer.
pub struct Request {
    pub path: &'static str,
    pub payload: Payload,
    /// The key of the answer with the token or ticket.
    pub granted: &'static str,
    /// What must not be shown of the answer, should it repeat that.
    pub secret: Secret,
}

pub enum Payload {
    Get(Vec<(&'static str, String)>),
    Post(Value),
}

const ACCESS_TOKEN: &str = "access_token";
const GRANT_TYPE: &str = "client_credential";

impl Request {
    /// Asks for the access token of the account with `credentials`. `force` asks the stable endpoint for a new
    /// one.
    pub fn token(credentials: &Credentials, endpoint: Endpoint, force: bool) -> Self {
        let (id, secret) = (credentials.id.clone(), credentials.secret.reveal().to_owned());
        let (path, payload) = match endpoint {
            Endpoint::Stable => (
                "/cgi-bin/stable_token",
                Payload::Post(json!({
                    "grant_type": GRANT_TYPE,
                    "appid": id,
                    "secret": secret,
                    "force_refresh": force,
                })),
            ),
            Endpoint::Classic => (
                "/cgi-bin/token",
                Payload::Get(vec![
                    ("grant_type", GRANT_TYPE.to_owned()),
                    ("appid", id),
                    ("secret", secret),
                ]),
            ),
            Endpoint::Wecom => {
                ("/cgi-bin/gettoken", Payload::Get(vec![("corpid", id), ("corpsecret", secret)]))
            }
        };
        Self { path, payload, granted: ACCESS_TOKEN, secret: credentials.secret.clone() }
    }
}

/// The tickets that WeChat and WeCom return for an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    Jsapi,
    Card,
    WecomJsapi,
    AgentConfig,
}

impl TicketKind {
    /// What tickets may be called.
    pub const NAMES: &str = "must be \"jsapi\", \"wx_card\" or \"agent_config\" (WeCom only)";

    /// The ticket that is called `name` at `endpoint`; else what is wrong with that, as it follows "ticket".
    pub fn parse(name: &str, endpoint: Endpoint) -> Result<Self, &'static str> {
        match (name, endpoint) {
            ("jsapi", Endpoint::Wecom) => Ok(Self::WecomJsapi),
            ("agent_config", Endpoint::Wecom) => Ok(Self::AgentConfig),
            ("wx_card", Endpoint::Wecom) => Err(
                "\"wx_card\" does not exist for endpoint \"wecom\". Use \"jsapi\" or \"agent_config\", or another endpoint",
            ),
            ("jsapi", _) => Ok(Self::Jsapi),
            ("wx_card", _) => Ok(Self::Card),
            ("agent_config", _) => Err(
                "\"agent_config\" exists for endpoint \"wecom\" only. Set endpoint to \"wecom\", or use \"jsapi\" or \"wx_card\"",
            ),
            _ => Err(Self::NAMES),
        }
    }

    pub(crate) fn request(self, access_token: &str) -> Request {
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
