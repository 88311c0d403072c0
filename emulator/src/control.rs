//! The emulator's own API, below `/emulator`: never delayed, never counted.

use hyper::body::Bytes;
use hyper::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::account::Kind;
use crate::delivery::{self, Body};
use crate::script;
use crate::world::Shared;

/// What control paths start with.
pub(crate) const PREFIX: &str = "/emulator";

/// Answers one control request: 400 with the reason for a body that does not fit, 404 for
/// anything unknown.
pub(crate) fn answer(method: &Method, path: &str, body: &Bytes, shared: &Shared) -> Response<Body> {
    match act(method, path, body, shared) {
        Ok(value) => delivery::json(StatusCode::OK, &value),
        Err((status, why)) => delivery::json(status, &json!({ "error": why })),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfKind {
    kind: Option<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    access_token: String,
}

type Refusal = (StatusCode, String);

fn act(method: &Method, path: &str, body: &Bytes, shared: &Shared) -> Result<Value, Refusal> {
    let done = || json!({ "ok": true });
    let name = path.strip_prefix(PREFIX).unwrap_or(path);
    match (method.as_str(), name) {
        ("GET", "/stats") => {
            let stats = shared.with(|world, now| world.stats(now));
            serde_json::to_value(stats).map_err(bad_request)
        }
        ("POST", "/reset") => {
            shared.with(|world, _| world.reset());
            Ok(done())
        }
        ("POST", "/forget") => {
            shared.with(|world, _| world.forget());
            Ok(done())
        }
        ("POST", "/script") => {
            let steps = script::parse(read(body)?).map_err(bad_request)?;
            let queued = steps.len();
            shared.with(|world, _| steps.into_iter().for_each(|step| world.script.push(step)));
            Ok(json!({ "queued": queued }))
        }
        ("DELETE", "/script") => {
            shared.with(|world, _| world.script.clear());
            Ok(done())
        }
        ("PATCH", "/options") => {
            let patch: Value = read(body)?;
            shared.with(|world, _| world.options.patch(patch)).map_err(bad_request)?;
            Ok(done())
        }
        ("POST", "/expire") => {
            let OfKind { kind } = read_or_empty(body)?;
            shared.with(|world, now| world.account.expire(kind, now));
            Ok(done())
        }
        ("POST", "/invalidate") => {
            let OfKind { kind } = read_or_empty(body)?;
            shared.with(|world, now| world.account.invalidate(kind, now));
            Ok(done())
        }
        ("POST", "/check") => {
            let Check { access_token } = read(body)?;
            let verdict = shared.with(|world, now| world.account.verdict(&access_token, now));
            serde_json::to_value(verdict).map_err(bad_request)
        }
        _ => Err((StatusCode::NOT_FOUND, format!("no control call {method} {path}"))),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(bad_request)
}

fn read_or_empty<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    read(if body.is_empty() { b"{}" } else { body })
}

fn bad_request(why: impl ToString) -> Refusal {
    (StatusCode::BAD_REQUEST, why.to_string())
}
