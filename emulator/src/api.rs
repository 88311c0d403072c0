//! WeChat's endpoints: who may ask, in what form, and what they are told.
//!
//! Pure: a request's parts and the time go in, a JSON answer comes out. The checks run in the order
//! form, account, IP, quota; WeChat's own order is not published. Paths, parameters and answers:
//! developers.weixin.qq.com/doc/subscription/api/base/api_getaccesstoken.html and
//! api_getstableaccesstoken.html, doc/service/api/invoice/auth/api_getticket.html;
//! developer.work.weixin.qq.com/document/path/91039 and 96909.

use std::net::IpAddr;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::{Grant, Kind};
use crate::clock::Moment;
use crate::endpoint::{Endpoint, Service};
use crate::errcode::Errcode;
use crate::mint;
use crate::options::Options;
use crate::world::World;

/// Path of the ordinary API with which a token can be tried, the same at both services.
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
    /// A query parameter; an empty one is none.
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

/// A JSON answer of a token or ticket endpoint.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Granted(Granted),
    Refused { errcode: i64, errmsg: String },
}

/// `errcode` 0 and `errmsg` are left out by the two official-account token endpoints only.
#[derive(Debug, Serialize)]
pub(crate) struct Granted {
    #[serde(flatten)]
    ok: Option<Success>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<Value>,
    expires_in: Value,
}

#[derive(Debug, Serialize)]
struct Success {
    errcode: i64,
    errmsg: &'static str,
}

const OK: Success = Success { errcode: 0, errmsg: "ok" };

impl Answer {
    pub(crate) fn refused(errcode: Errcode, service: Service, from: IpAddr) -> Self {
        Self::Refused { errcode: errcode.0, errmsg: errcode.message(service, from) }
    }

    /// With another lifetime, if it grants anything.
    pub(crate) fn with_expires_in(mut self, value: Value) -> Self {
        if let Self::Granted(granted) = &mut self {
            granted.expires_in = value;
        }
        self
    }

    /// With another token or ticket, if it grants one.
    pub(crate) fn with_token(mut self, value: Value) -> Self {
        if let Self::Granted(granted) = &mut self {
            let token = granted.access_token.as_mut().or(granted.ticket.as_mut());
            if let Some(token) = token {
                *token = value;
            }
        }
        self
    }
}

/// What `endpoint` answers, as WeChat would.
pub(crate) fn fetch(
    endpoint: Endpoint,
    request: &Request<'_>,
    world: &mut World,
    now: Moment,
) -> Answer {
    let answer = match endpoint {
        Endpoint::Token => token(request, world, now),
        Endpoint::StableToken => stable_token(request, world, now),
        Endpoint::Gettoken => gettoken(request, world, now),
        Endpoint::Getticket => ticket(endpoint, Some(&["jsapi", "wx_card"]), request, world, now),
        Endpoint::GetJsapiTicket => ticket(endpoint, None, request, world, now),
        Endpoint::TicketGet => ticket(endpoint, Some(&["agent_config"]), request, world, now),
    };
    match answer {
        Ok(granted) => Answer::Granted(granted),
        Err(errcode) => Answer::refused(errcode, endpoint.service(), request.from),
    }
}

fn token(request: &Request<'_>, world: &mut World, now: Moment) -> Result<Granted, Errcode> {
    request.require(&Method::GET)?;
    let claim = Claim {
        grant_type: request.parameter("grant_type"),
        appid: request.parameter("appid"),
        secret: request.parameter("secret"),
    };
    claim.check(&world.options, request.from)?;
    let grant = world.account.classic(&world.options, now)?;
    Ok(token_granted(grant, Kind::Classic, world))
}

fn stable_token(request: &Request<'_>, world: &mut World, now: Moment) -> Result<Granted, Errcode> {
    #[derive(Deserialize)]
    struct Body {
        grant_type: Option<String>,
        appid: Option<String>,
        secret: Option<String>,
        #[serde(default)]
        force_refresh: bool,
    }
    request.require(&Method::POST)?;
    let body: Body =
        serde_json::from_slice(request.body).map_err(|_malformed| Errcode::DATA_FORMAT)?;
    if body.force_refresh {
        world.counters.forced += 1;
    }
    let claim = Claim { grant_type: body.grant_type, appid: body.appid, secret: body.secret };
    claim.check(&world.options, request.from)?;
    let grant = world.account.stable(body.force_refresh, &world.options, now)?;
    Ok(token_granted(grant, Kind::Stable, world))
}

fn gettoken(request: &Request<'_>, world: &mut World, now: Moment) -> Result<Granted, Errcode> {
    request.require(&Method::GET)?;
    let options = &world.options;
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
    let grant = world.account.wecom(options, now);
    Ok(token_granted(grant, Kind::Wecom, world))
}

/// A new ticket at every call; earlier ones stay good. Tickets are not remembered, since no
/// endpoint takes one.
fn ticket(
    endpoint: Endpoint,
    types: Option<&[&str]>,
    request: &Request<'_>,
    world: &mut World,
    now: Moment,
) -> Result<Granted, Errcode> {
    request.require(&Method::GET)?;
    let token = request.parameter("access_token").ok_or(Errcode::ACCESS_TOKEN_MISSING)?;
    let kind = world.account.accept(&token, now).map_err(|(errcode, _)| errcode)?;
    if kind.service() != endpoint.service() {
        return Err(Errcode::INVALID_ACCESS_TOKEN);
    }
    if let Some(types) = types {
        let wanted = request.parameter("type").ok_or(Errcode::INVALID_ARGS)?;
        if !types.contains(&wanted.as_str()) {
            return Err(Errcode::INVALID_ARGS);
        }
    }
    world.counters.minted.ticket += 1;
    Ok(Granted {
        ok: Some(OK),
        access_token: None,
        ticket: Some(mint::secret_looking(mint::TICKET_LENGTH).into()),
        expires_in: world.options.lifetime.as_secs().into(),
    })
}

/// What an ordinary API answers to a caller with a token, in the wording of the token's service.
pub(crate) fn domain_ip(request: &Request<'_>, world: &mut World, now: Moment) -> Value {
    let refusal = match request.parameter("access_token") {
        None => (Errcode::ACCESS_TOKEN_MISSING, Service::OfficialAccount),
        Some(token) => match world.account.accept(&token, now) {
            Err(refusal) => refusal,
            Ok(kind) => {
                world.counters.api.accepted += 1;
                let mut answer = serde_json::json!({ "ip_list": ["127.0.0.1"] });
                if let (Service::Wecom, Value::Object(answer)) = (kind.service(), &mut answer) {
                    answer.insert("errcode".to_owned(), OK.errcode.into());
                    answer.insert("errmsg".to_owned(), OK.errmsg.into());
                }
                return answer;
            }
        },
    };
    world.counters.api.refused += 1;
    let (errcode, service) = refusal;
    serde_json::json!({
        "errcode": errcode.0,
        "errmsg": errcode.message(service, request.from),
    })
}

/// What a caller says of itself to an official-account token endpoint.
struct Claim {
    grant_type: Option<String>,
    appid: Option<String>,
    secret: Option<String>,
}

impl Claim {
    fn check(self, options: &Options, from: IpAddr) -> Result<(), Errcode> {
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let appid = given(self.appid).ok_or(Errcode::APPID_MISSING)?;
        let secret = given(self.secret).ok_or(Errcode::SECRET_MISSING)?;
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

fn token_granted(grant: Grant, kind: Kind, world: &mut World) -> Granted {
    if grant.minted {
        world.counters.minted.count(kind);
    }
    Granted {
        ok: (kind == Kind::Wecom).then_some(OK),
        access_token: Some(grant.token.into()),
        ticket: None,
        expires_in: grant.expires_in.into(),
    }
}
