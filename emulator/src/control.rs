//! The emulator's own API, below `/emulator`: never delayed, never counted.

use hyper::body::Bytes;
use hyper::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::account::Kind;
use crate::response::{self, Body};
use crate::script;
use crate::state::SharedState;

/// The beginning of each path of this API.
pub(crate) const PREFIX: &str = "/emulator";

/// Answers one request: with 400 and the reason if the body does not fit, with 404 if the path or its
/// method is unknown.
pub(crate) fn answer(
    method: &Method,
    path: &str,
    body: &Bytes,
    shared: &SharedState,
) -> Response<Body> {
    dispatch(method, path, body, shared)
        .unwrap_or_else(|(status, error)| response::json(status, &json!({ "error": error })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyKind {
    kind: Option<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    access_token: String,
}

type Rejection = (StatusCode, String);

fn dispatch(
    method: &Method,
    path: &str,
    body: &Bytes,
    shared: &SharedState,
) -> Result<Response<Body>, Rejection> {
    match (method.as_str(), path.strip_prefix(PREFIX).unwrap_or(path)) {
        ("GET", "/stats") => return ok(&shared.with(|state, now| state.stats(now))),
        ("POST", "/reset") => shared.with(|state, _| state.reset()),
        ("POST", "/forget") => shared.with(|state, _| state.forget()),
        ("POST", "/script") => {
            let steps = script::parse(parse(body)?).map_err(bad_request)?;
            let queued = steps.len();
            shared.with(|state, _| state.script.extend(steps));
            return ok(&json!({ "queued": queued }));
        }
        ("DELETE", "/script") => shared.with(|state, _| state.script.clear()),
        ("PATCH", "/options") => {
            let patch = parse(body)?;
            shared.with(|state, _| state.options.patch(patch)).map_err(bad_request)?;
        }
        ("POST", "/expire") => {
            let OnlyKind { kind } = parse_or_empty(body)?;
            shared.with(|state, now| state.account.expire(kind, now));
        }
        ("POST", "/invalidate") => {
            let OnlyKind { kind } = parse_or_empty(body)?;
            shared.with(|state, now| state.account.invalidate(kind, now));
        }
        ("POST", "/check") => {
            let Check { access_token } = parse(body)?;
            return ok(&shared.with(|state, now| state.account.verdict(&access_token, now)));
        }
        _ => {
            let error = format!("unknown control path {method} {path}, see emulator/README.md");
            return Err((StatusCode::NOT_FOUND, error));
        }
    }
    ok(&json!({ "ok": true }))
}

fn ok(answer: &impl Serialize) -> Result<Response<Body>, Rejection> {
    Ok(response::json(StatusCode::OK, answer))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|error| match error.is_data() {
        true => bad_request(error),
        false => bad_request(format!("the body is not JSON: {error}")),
    })
}

fn parse_or_empty<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    parse(if body.is_empty() { b"{}" } else { body })
}

fn bad_request(error: impl ToString) -> Rejection {
    (StatusCode::BAD_REQUEST, error.to_string())
}
