//! How an answer goes onto the wire: whole, or broken in the way a script asks for.

use std::io;
use std::time::Duration;

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::api::Answer;
use crate::endpoint::Service;
use crate::errcode::Errcode;
use crate::script::{Cut, Effect};
use crate::world::InFlight;

/// A body that is there at once, or one that a task feeds.
pub(crate) type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

/// The connection is to be closed without (the rest of) an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut by the script")]
pub(crate) struct Severed;

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Content {
    status: StatusCode,
    text: String,
}

impl Content {
    fn json(answer: &Answer) -> Self {
        Self { status: StatusCode::OK, text: to_text(answer) }
    }

    /// What a fetch is told under `effect`. `real` asks WeChat's rules, and is called only by
    /// effects that send some of the real answer.
    pub(crate) fn of(
        effect: &Effect,
        service: Service,
        from: std::net::IpAddr,
        real: impl FnOnce() -> Answer,
    ) -> Self {
        match effect {
            Effect::Real | Effect::Drip(_) | Effect::Cut(Cut::Half) => Self::json(&real()),
            Effect::ExpiresIn(value) => Self::json(&real().with_expires_in(value.clone())),
            Effect::AccessToken(value) => Self::json(&real().with_token(value.clone())),
            Effect::Errcode { errcode, errmsg } => Self::json(&Answer::Refused {
                errcode: *errcode,
                errmsg: match errmsg {
                    Some(errmsg) => errmsg.clone(),
                    None => Errcode(*errcode).message(service, from),
                },
            }),
            Effect::Status { status, body } => Self {
                status: StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                text: body.clone(),
            },
            Effect::Body(body) => Self { status: StatusCode::OK, text: body.clone() },
            Effect::Redirect(_) => Self { status: StatusCode::FOUND, text: String::new() },
            Effect::Cut(Cut::Before) | Effect::Endless | Effect::Hang => {
                Self { status: StatusCode::OK, text: String::new() }
            }
        }
    }
}

impl Content {
    /// The same with `errcode` as a string, if this is a JSON object that has one.
    pub(crate) fn with_errcode_as_string(self) -> Self {
        let Ok(Value::Object(mut answer)) = serde_json::from_str(&self.text) else { return self };
        match answer.get_mut("errcode") {
            Some(errcode) if errcode.is_number() => *errcode = errcode.to_string().into(),
            _ => return self,
        }
        Self { text: to_text(&answer), ..self }
    }
}

/// Sends `content` under `effect`. The fetch stops being in flight just before its last byte
/// leaves, so that a client that has read its answer never finds itself still counted.
pub(crate) async fn deliver(
    effect: Effect,
    content: Content,
    in_flight: InFlight,
) -> Result<Response<Body>, Severed> {
    let Content { status, text } = content;
    match effect {
        Effect::Cut(Cut::Before) => Err(Severed),
        Effect::Hang => {
            // Dropped by the server when the client goes.
            let _in_flight = in_flight;
            std::future::pending().await
        }
        Effect::Cut(Cut::Half) => {
            Ok(fed(status, Some(text.len()), |body| send_half(text, body, in_flight)))
        }
        Effect::Drip(pause) => {
            Ok(fed(status, Some(text.len()), move |body| drip(text, pause, body, in_flight)))
        }
        Effect::Endless => Ok(fed(status, None, |body| send_spaces(body, in_flight))),
        Effect::Redirect(location) => {
            let mut response = whole(status, text);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(LOCATION, location);
            }
            Ok(response)
        }
        Effect::Real
        | Effect::Errcode { .. }
        | Effect::Status { .. }
        | Effect::Body(_)
        | Effect::ExpiresIn(_)
        | Effect::AccessToken(_) => Ok(whole(status, text)),
    }
}

/// A JSON answer that nothing happens to.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    whole(status, to_text(value))
}

/// A status alone.
pub(crate) fn bare(status: StatusCode) -> Response<Body> {
    whole(status, String::new())
}

fn to_text(value: &impl Serialize) -> String {
    // Only maps with keys that are no strings fail, and no answer has one.
    serde_json::to_string(value).unwrap_or_default()
}

fn whole(status: StatusCode, text: String) -> Response<Body> {
    with_head(status, Either::Left(Full::from(text)))
}

fn with_head(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; encoding=utf-8"));
    response
}

/// A response whose body `feed` writes, on a task of its own. Without a length it is chunked.
fn fed<F>(
    status: StatusCode,
    length: Option<usize>,
    feed: impl FnOnce(Sender<Bytes, io::Error>) -> F,
) -> Response<Body>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, body) = Channel::new(1);
    tokio::spawn(feed(sender));
    let mut response = with_head(status, Either::Right(body));
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}

async fn send_half(text: String, mut body: Sender<Bytes, io::Error>, in_flight: InFlight) {
    let mut half = Bytes::from(text);
    half.truncate(half.len() / 2);
    if body.send_data(half).await.is_ok() {
        // The error discards what is not yet on the wire: let the half get there first.
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(in_flight);
        body.abort(io::Error::other(Severed));
    }
}

async fn drip(
    text: String,
    pause: Duration,
    mut body: Sender<Bytes, io::Error>,
    in_flight: InFlight,
) {
    let mut in_flight = Some(in_flight);
    let mut rest = Bytes::from(text);
    while !rest.is_empty() {
        let byte = rest.split_to(1);
        if rest.is_empty() {
            in_flight.take();
        }
        if body.send_data(byte).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

/// At most 16 MB a second: enough to overrun any bound, slow enough for a client without one to be
/// stopped before it has filled the memory.
async fn send_spaces(mut body: Sender<Bytes, io::Error>, in_flight: InFlight) {
    let _in_flight = in_flight;
    let spaces = Bytes::from_static(&[b' '; 16 * 1024]);
    while body.send_data(spaces.clone()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
