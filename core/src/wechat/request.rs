//! What is sent to WeChat for a token or a ticket.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::secret::{Credentials, Secret};
use crate::token_file::CredentialKind;

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

/// The API that returns a ticket: its path, and the `type` that it is asked for.
#[derive(Clone, Copy)]
pub struct TicketApi(&'static str, Option<&'static str>);

impl TicketApi {
    /// The API for `kind` at `endpoint`, if there is one.
    pub fn of(kind: CredentialKind, endpoint: Endpoint) -> Option<Self> {
        match (kind, endpoint == Endpoint::Wecom) {
            (CredentialKind::JsapiTicket, false) => {
                Some(Self("/cgi-bin/ticket/getticket", Some("jsapi")))
            }
            (CredentialKind::CardTicket, false) => {
                Some(Self("/cgi-bin/ticket/getticket", Some("wx_card")))
            }
            (CredentialKind::JsapiTicket, true) => Some(Self("/cgi-bin/get_jsapi_ticket", None)),
            (CredentialKind::AgentConfigTicket, true) => {
                Some(Self("/cgi-bin/ticket/get", Some("agent_config")))
            }
            _ => None,
        }
    }

    pub(crate) fn request(self, access_token: &str) -> Request {
        let Self(path, kind) = self;
        let mut query = vec![(ACCESS_TOKEN, access_token.to_owned())];
        query.extend(kind.map(|kind| ("type", kind.to_owned())));
        let secret = Secret::new(access_token);
        Request { path, payload: Payload::Get(query), granted: "ticket", secret }
    }
}
