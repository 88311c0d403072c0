//! The endpoints that return tokens and tickets, by path, and WeChat's service to which each belongs.

use serde::{Deserialize, Serialize};

/// One of WeChat's two services; each has its own rules and wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    OfficialAccount,
    Wecom,
}

/// An endpoint that returns tokens or tickets, named as in statistics and scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `GET /cgi-bin/token`: a new official-account token.
    Token,
    /// `POST /cgi-bin/stable_token`: the official account's stable token.
    StableToken,
    /// `GET /cgi-bin/gettoken`: a WeCom token.
    Gettoken,
    /// `GET /cgi-bin/ticket/getticket`: an official account's `jsapi` or `wx_card` ticket.
    Getticket,
    /// `GET /cgi-bin/get_jsapi_ticket`: a WeCom corporation's ticket.
    GetJsapiTicket,
    /// `GET /cgi-bin/ticket/get`: a WeCom app's `agent_config` ticket.
    #[serde(rename = "ticket/get")]
    TicketGet,
}

impl Endpoint {
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/cgi-bin/token" => Self::Token,
            "/cgi-bin/stable_token" => Self::StableToken,
            "/cgi-bin/gettoken" => Self::Gettoken,
            "/cgi-bin/ticket/getticket" => Self::Getticket,
            "/cgi-bin/get_jsapi_ticket" => Self::GetJsapiTicket,
            "/cgi-bin/ticket/get" => Self::TicketGet,
            _ => return None,
        })
    }

    pub(crate) fn service(self) -> Service {
        match self {
            Self::Token | Self::StableToken | Self::Getticket => Service::OfficialAccount,
            Self::Gettoken | Self::GetJsapiTicket | Self::TicketGet => Service::Wecom,
        }
    }
}
