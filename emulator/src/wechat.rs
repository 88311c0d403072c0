//! WeChat's endpoints: who may fetch, in which form, and the answer.
//!
//! Parts of a request and the time come in, a JSON answer goes out. The order of the checks is form,
//! account, IP, quota; WeChat does not publish its own. Sources of paths, parameters and answers:
//! developers.weixin.qq.com/doc/subscription/api/base/api_getaccesstoken.html and
//! api_getstableaccesstoken.html, doc/service/api/invoice/auth/api_getticket.html;
//! developer.work.weixin.qq.com/document/path/91039 and 96909.

use std::net::IpAddr;

use hyper::Method;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::account::{Kind, TokenResponse};
use crate::clock::Moment;
use crate::endpoint::{Endpoint, Service};
use crate::errcode::Errcode;
use crate::options::Options;
use crate::random;
use crate::state::State;

/// An ordinary API with which a token can be tried; the same path at both services.
pub(crate) const DOMAIN_IP_PATH: &str = "/cgi-bin/get_api_domain_ip";

/// The parts of a request that WeChat looks at.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    pub(crate) from: IpAddr,
}

impl Request<'_> {
    /// A query parameter; an empty one counts as missing.
    fn parameter(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }

    fn require(&self, method: &Method) -> Result<(), Errcode> {
        match self.method == method {
            true => Ok(()),
            false if method == Method::POST => Err(Errcode::POST_REQUIRED),
            false => Err(Errcode::GET_REQUIRED),
        }
    }
}

/// A JSON object with its keys in WeChat's order.
#[derive(Debug)]
pub(crate) struct Answer(Vec<(&'static str, Value)>);

impl Answer {
    pub(crate) fn error(errcode: Errcode, service: Service, from: IpAddr) -> Self {
        Self::with_errcode(errcode.0, &errcode.message(service, from))
    }

    pub(crate) fn with_errcode(errcode: i64, errmsg: &str) -> Self {
        Self(vec![("errcode", errcode.into()), ("errmsg", errmsg.into())])
    }

    fn ok() -> Self {
        Self::with_errcode(0, "ok")
    }

    /// The beginning of a successful answer: official accounts get no errcode with a token, nor from
    /// an ordinary API.
    fn success(service: Service) -> Self {
        match service {
            Service::OfficialAccount => Self(Vec::new()),
            Service::Wecom => Self::ok(),
        }
    }

    fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// With another value for each of `keys` that it has.
    pub(crate) fn replace(mut self, keys: &[&str], value: &Value) -> Self {
        self.0.iter_mut().filter(|(key, _)| keys.contains(key)).for_each(|(_, old)| {
            old.clone_from(value);
        });
        self
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// What WeChat answers to a fetch from `endpoint`.
pub(crate) fn fetch(
    endpoint: Endpoint,
    request: &Request<'_>,
    state: &mut State,
    now: Moment,
) -> Answer {
    let answer = match endpoint {
        Endpoint::Token => token(request, state, now),
        Endpoint::StableToken => stable_token(request, state, now),
        Endpoint::Gettoken => gettoken(request, state, now),
        Endpoint::Getticket => ticket(endpoint, Some(&["jsapi", "wx_card"]), request, state, now),
        Endpoint::GetJsapiTicket => ticket(endpoint, None, request, state, now),
        Endpoint::TicketGet => ticket(endpoint, Some(&["agent_config"]), request, state, now),
    };
    answer.unwrap_or_else(|errcode| Answer::error(errcode, endpoint.service(), request.from))
}

fn token(request: &Request<'_>, state: &mut State, now: Moment) -> Result<Answer, Errcode> {
    request.require(&Method::GET)?;
    let credentials = Credentials {
        grant_type: request.parameter("grant_type"),
        appid: request.parameter("appid"),
        secret: request.parameter("secret"),
    };
    credentials.check(&state.options, request.from)?;
    let response = state.account.fetch_classic(&state.options, now)?;
    Ok(token_answer(response, Kind::Classic, state))
}

fn stable_token(request: &Request<'_>, state: &mut State, now: Moment) -> Result<Answer, Errcode> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(flatten)]
        credentials: Credentials,
        #[serde(default)]
        force_refresh: bool,
    }
    request.require(&Method::POST)?;
    let Body { credentials, force_refresh } =
        serde_json::from_slice(request.body).map_err(|_malformed| Errcode::DATA_FORMAT)?;
    if force_refresh {
        state.counters.forced += 1;
    }
    credentials.check(&state.options, request.from)?;
    let response = state.account.fetch_stable(force_refresh, &state.options, now)?;
    Ok(token_answer(response, Kind::Stable, state))
}

fn gettoken(request: &Request<'_>, state: &mut State, now: Moment) -> Result<Answer, Errcode> {
    request.require(&Method::GET)?;
    let options = &state.options;
    let corpid = request.parameter("corpid").ok_or(Errcode::APPID_MISSING)?;
    let corpsecret = request.parameter("corpsecret").ok_or(Errcode::SECRET_MISSING)?;
    if corpid != options.corpid {
        return Err(Errcode::INVALID_APPID);
    }
    if corpsecret != options.corpsecret {
        return Err(Errcode::INVALID_CREDENTIAL);
    }
    if !may_fetch(options, request.from) {
        return Err(Errcode::WECOM_IP_NOT_LISTED);
    }
    let response = state.account.fetch_wecom(options, now);
    Ok(token_answer(response, Kind::Wecom, state))
}

/// A new ticket at every call; earlier ones stay valid. Tickets are not remembered, since no endpoint
/// takes one.
fn ticket(
    endpoint: Endpoint,
    types: Option<&[&str]>,
    request: &Request<'_>,
    state: &mut State,
    now: Moment,
) -> Result<Answer, Errcode> {
    request.require(&Method::GET)?;
    let token = request.parameter("access_token").ok_or(Errcode::ACCESS_TOKEN_MISSING)?;
    let kind = state.account.validate(&token, now).map_err(|(errcode, _)| errcode)?;
    if kind.service() != endpoint.service() {
        return Err(Errcode::INVALID_ACCESS_TOKEN);
    }
    if let Some(types) = types {
        let wanted = request.parameter("type").ok_or(Errcode::INVALID_ARGS)?;
        if !types.contains(&wanted.as_str()) {
            return Err(Errcode::INVALID_ARGS);
        }
    }
    state.counters.minted.ticket += 1;
    Ok(Answer::ok()
        .with("ticket", random::token(random::TICKET_LENGTH))
        .with("expires_in", state.options.lifetime.as_secs()))
}

/// What an ordinary API answers to a caller with a token, in the wording of the token's service.
pub(crate) fn domain_ip(request: &Request<'_>, state: &mut State, now: Moment) -> Answer {
    let missing = (Errcode::ACCESS_TOKEN_MISSING, Service::OfficialAccount);
    let valid = request
        .parameter("access_token")
        .ok_or(missing)
        .and_then(|token| state.account.validate(&token, now));
    match valid {
        Ok(kind) => {
            state.counters.api.accepted += 1;
            Answer::success(kind.service()).with("ip_list", ["127.0.0.1"].as_slice())
        }
        Err((errcode, service)) => {
            state.counters.api.refused += 1;
            Answer::error(errcode, service, request.from)
        }
    }
}

/// What a caller sends to a token endpoint of an official account.
#[derive(Deserialize)]
struct Credentials {
    grant_type: Option<String>,
    appid: Option<String>,
    secret: Option<String>,
}

impl Credentials {
    fn check(self, options: &Options, from: IpAddr) -> Result<(), Errcode> {
        let non_empty = |value: Option<String>| value.filter(|value| !value.is_empty());
        let appid = non_empty(self.appid).ok_or(Errcode::APPID_MISSING)?;
        let secret = non_empty(self.secret).ok_or(Errcode::SECRET_MISSING)?;
        if self.grant_type.as_deref() != Some("client_credential") {
            return Err(Errcode::INVALID_GRANT_TYPE);
        }
        if appid != options.appid {
            return Err(Errcode::INVALID_APPID);
        }
        if secret != options.secret {
            return Err(Errcode::INVALID_SECRET);
        }
        if !may_fetch(options, from) {
            return Err(Errcode::IP_NOT_LISTED);
        }
        Ok(())
    }
}

fn may_fetch(options: &Options, from: IpAddr) -> bool {
    options.allow_ip.is_empty() || options.allow_ip.contains(&from)
}

fn token_answer(response: TokenResponse, kind: Kind, state: &mut State) -> Answer {
    if response.is_new {
        state.counters.minted.count(kind);
    }
    Answer::success(kind.service())
        .with("access_token", response.token)
        .with("expires_in", response.expires_in)
}
