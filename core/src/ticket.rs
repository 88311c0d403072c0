//! Tickets: an upstream that needs an access token first.
//!
//! The lock of the ticket file is held while the token is got, never the other way round.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::failure::{Asker, Cause, Failure};
use crate::protocol::{self, Call, Remote, Source};
use crate::token_file::Subject;
use crate::upstream::{Grant, Setback, Upstream};
use crate::wechat::{Http, TicketKind, errcode};

impl TicketKind {
    /// What the file of a ticket that is called `name` keeps.
    ///
    /// # Errors
    /// What it may be called.
    pub fn subject(name: &str) -> Result<Subject, &'static str> {
        match name {
            "jsapi" => Ok(Subject::JsapiTicket),
            "wx_card" => Ok(Subject::CardTicket),
            "agent_config" => Ok(Subject::AgentConfigTicket),
            _ => Err(Self::NAMES),
        }
    }
}

/// WeChat as a source of tickets.
pub struct TicketUpstream {
    /// Which ticket.
    pub kind: TicketKind,
    /// How WeChat is reached.
    pub http: Http,
    /// The call that gets the access token.
    pub token_call: Call,
    /// Where the access token comes from.
    pub tokens: Remote,
}

impl TicketUpstream {
    fn ask_with(&self, token: &str) -> Result<Grant, Setback> {
        let deadline = Instant::now() + self.http.time_limit();
        self.http.ask(&self.kind.request(token), deadline)
    }
}

impl Upstream for TicketUpstream {
    fn fetch(&self, _rejected: Option<&str>) -> Result<Grant, Setback> {
        let open = || -> Result<Remote, Error> { Ok(Remote::clone(&self.tokens)) };
        let source = Source::Remote(&open);
        let token = protocol::get(&self.token_call, &source).map_err(Setback::Unasked)?.value;
        match self.ask_with(&token) {
            Err(Setback::Failed(Failure { cause: Cause::Api { errcode, .. }, .. }))
                if errcode::REJECTED_TOKEN.contains(&errcode) =>
            {
                let other = protocol::replace(&self.token_call, &source, &token);
                let other = other.map_err(Setback::Unasked)?.value;
                self.ask_with(&other)
            }
            answer => answer,
        }
    }

    fn asker(&self) -> Asker {
        self.tokens.asker()
    }

    fn time_limit(&self) -> Duration {
        let token = self.token_call.lock_timeout + self.tokens.time_limit();
        (token + self.http.time_limit()) * 2
    }
}
