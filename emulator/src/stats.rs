//! Counters of what callers did.

use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::endpoint::Endpoint;

/// Counters since the start or the last reset. Calls of the control API and of the methods of
/// `Emulator` do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Fetches by endpoint, counted at their arrival, whatever their answer.
    pub fetches: Fetches,
    /// Calls of `stable_token` with `force_refresh: true`, refreshed or not.
    pub forced: u64,
    /// New tokens and tickets.
    pub minted: Created,
    /// Fetches that have arrived, and whose answer is not completely sent.
    pub in_flight: u64,
    /// The most fetches that were in flight at once.
    pub max_in_flight: u64,
    /// Tokens that are valid now.
    pub tokens_alive: u64,
    /// Calls of `get_api_domain_ip`.
    pub api: ApiCalls,
    /// Accepted connections, without those whose first request was for the control API.
    pub connections: u64,
}

/// Fetches by endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetches {
    /// `GET /cgi-bin/token`
    pub token: u64,
    /// `POST /cgi-bin/stable_token`
    pub stable_token: u64,
    /// `GET /cgi-bin/gettoken`
    pub gettoken: u64,
    /// `GET /cgi-bin/ticket/getticket`
    pub getticket: u64,
    /// `GET /cgi-bin/get_jsapi_ticket`
    pub get_jsapi_ticket: u64,
    /// `GET /cgi-bin/ticket/get`
    #[serde(rename = "ticket/get")]
    pub ticket_get: u64,
}

impl Fetches {
    /// Fetches from all endpoints.
    pub fn total(&self) -> u64 {
        self.token
            + self.stable_token
            + self.gettoken
            + self.getticket
            + self.get_jsapi_ticket
            + self.ticket_get
    }

    pub(crate) fn count(&mut self, endpoint: Endpoint) {
        *match endpoint {
            Endpoint::Token => &mut self.token,
            Endpoint::StableToken => &mut self.stable_token,
            Endpoint::Gettoken => &mut self.gettoken,
            Endpoint::Getticket => &mut self.getticket,
            Endpoint::GetJsapiTicket => &mut self.get_jsapi_ticket,
            Endpoint::TicketGet => &mut self.ticket_get,
        } += 1;
    }
}

/// New tokens by kind, and new tickets of all kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// By `/cgi-bin/token`.
    pub classic: u64,
    /// By `/cgi-bin/stable_token`.
    pub stable: u64,
    /// By `/cgi-bin/gettoken`.
    pub wecom: u64,
    /// By the three ticket endpoints.
    pub ticket: u64,
}

impl Created {
    pub(crate) fn count(&mut self, kind: Kind) {
        *match kind {
            Kind::Classic => &mut self.classic,
            Kind::Stable => &mut self.stable,
            Kind::Wecom => &mut self.wecom,
        } += 1;
    }
}

/// Calls of ordinary APIs that need a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiCalls {
    /// With a valid token.
    pub accepted: u64,
    /// Without a token, or with one that is not valid.
    pub refused: u64,
}
