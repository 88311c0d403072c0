//! WeChat as the source of tickets: each fetch needs an access token first.
//!
//! The ticket file is locked before the token file, never the other way round.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::failure::{Cause, Failure, Requester};
use crate::protocol::{self, Call, LazySource, Remote};
use crate::token_file::CredentialKind;
use crate::token_source::{FetchError, IssuedToken, TokenSource, Wanted};
use crate::wechat::errcode::{self, Asked};
use crate::wechat::{Http, TicketApi};

/// The tickets, by the names that calls give them.
const TICKETS: [(&str, CredentialKind); 3] = [
    ("jsapi", CredentialKind::JsapiTicket),
    ("wx_card", CredentialKind::CardTicket),
    ("agent_config", CredentialKind::AgentConfigTicket),
];

/// The ticket that is called `name`.
///
/// # Errors
/// The names that are allowed.
pub fn kind(name: &str) -> Result<CredentialKind, &'static str> {
    let found = TICKETS.into_iter().find(|(known, _)| *known == name);
    let problem = "must be \"jsapi\", \"wx_card\" or \"agent_config\" (WeCom only)";
    found.map(|(_, kind)| kind).ok_or(problem)
}

fn name(kind: CredentialKind) -> Option<&'static str> {
    TICKETS.into_iter().find(|(_, known)| *known == kind).map(|(name, _)| name)
}

pub struct TicketSource {
    pub api: TicketApi,
    pub http: Http,
    pub token_call: Call,
    pub tokens: Remote,
    pub kind: CredentialKind,
}

impl TicketSource {
    fn ask_with(&self, token: &str) -> Result<IssuedToken, FetchError> {
        let deadline = Instant::now() + self.http.transport.timeout;
        self.http.ask(&self.api.request(token), deadline)
    }
}

impl TokenSource for TicketSource {
    fn fetch(&self, _wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        let open = || -> Result<Remote, Error> { Ok(Remote::clone(&self.tokens)) };
        let source = LazySource::Remote(&open);
        let token =
            protocol::get(&self.token_call, &source).map_err(FetchError::NotAttempted)?.value;
        match self.ask_with(&token) {
            Err(FetchError::Failed(Failure { cause: Cause::Api { errcode, .. }, .. }))
                if errcode::REJECTED_TOKEN.contains(&errcode) =>
            {
                let other = protocol::refresh_rejected(&self.token_call, &source, &token);
                let other = other.map_err(FetchError::NotAttempted)?.value;
                self.ask_with(&other)
            }
            answer => answer,
        }
    }

    fn requester(&self) -> Requester {
        let describe = |cause: &Cause| errcode::describe(cause, Asked::Ticket);
        Requester { ticket: name(self.kind), describe, ..self.tokens.requester() }
    }

    fn requests(&self) -> Option<u32> {
        Some(self.http.requests())
    }

    fn time_limit(&self) -> Duration {
        let token = self.token_call.lock_timeout + self.tokens.time_limit();
        (token + self.http.transport.timeout) * 2
    }
}
