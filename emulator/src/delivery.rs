//! The answer to a fetch on the wire: whole, or broken as a scripted fault says.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use http_body_util::channel::Sender;
use hyper::body::Bytes;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;

use crate::endpoint::Service;
use crate::errcode::Errcode;
use crate::response::{self, Body, json_text};
use crate::script::{Cut, Effect};
use crate::state::InFlight;
use crate::wechat::Answer;

/// The server closes the connection without the answer, or without the rest of it.
#[derive(Debug, thiserror::Error)]
#[error("cut by the script")]
pub(crate) struct ConnectionCut;

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Content {
    status: StatusCode,
    text: String,
}

impl Content {
    /// What a fetch gets under `effect`. Effects that send (some of) the real answer call `real`,
    /// which applies WeChat's rules.
    pub(crate) fn under(
        effect: &Effect,
        service: Service,
        from: IpAddr,
        real: impl FnOnce() -> Answer,
    ) -> Self {
        let text = match effect {
            Effect::Real | Effect::Drip(_) | Effect::Cut(Cut::Half) => json_text(&real()),
            Effect::ExpiresIn(value) => json_text(&real().replace(&["expires_in"], value)),
            Effect::AccessToken(value) => {
                json_text(&real().replace(&["access_token", "ticket"], value))
            }
            Effect::Errcode { errcode, errmsg: None } => {
                json_text(&Answer::error(Errcode(*errcode), service, from))
            }
            Effect::Errcode { errcode, errmsg: Some(errmsg) } => {
                json_text(&Answer::with_errcode(*errcode, errmsg))
            }
            Effect::Status { body, .. } | Effect::Body(body) => body.clone(),
            Effect::Redirect(_) | Effect::Cut(Cut::Before) | Effect::Endless | Effect::Hang => {
                String::new()
            }
        };
        let status = match effect {
            Effect::Status { status, .. } => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Effect::Redirect(_) => StatusCode::FOUND,
            _ => StatusCode::OK,
        };
        Self { status, text }
    }

    /// The same with `errcode` as a string, if this is a JSON object that has one.
    pub(crate) fn with_errcode_as_string(self) -> Self {
        let Ok(Value::Object(mut answer)) = serde_json::from_str(&self.text) else { return self };
        match answer.get_mut("errcode") {
            Some(errcode) if errcode.is_number() => *errcode = errcode.to_string().into(),
            _ => return self,
        }
        Self { text: json_text(&answer), ..self }
    }
}

/// Sends `content` under `effect`. The fetch stops being in flight just before its last byte is sent:
/// a client that has read its answer never finds itself still counted.
pub(crate) async fn deliver(
    effect: Effect,
    content: Content,
    in_flight: InFlight,
) -> Result<Response<Body>, ConnectionCut> {
    let Content { status, text } = content;
    let length = Some(text.len());
    Ok(match effect {
        Effect::Cut(Cut::Before) => return Err(ConnectionCut),
        Effect::Hang => {
            // The server drops this future when the client closes the connection.
            let _in_flight = in_flight;
            std::future::pending().await
        }
        Effect::Cut(Cut::Half) => {
            response::streamed(status, length, |body| send_half(text, body, in_flight))
        }
        Effect::Drip(pause) => {
            response::streamed(status, length, move |body| drip(text, pause, body, in_flight))
        }
        Effect::Endless => response::streamed(status, None, |body| send_spaces(body, in_flight)),
        Effect::Redirect(location) => {
            let mut response = response::whole(status, text);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(LOCATION, location);
            }
            response
        }
        Effect::Real
        | Effect::Errcode { .. }
        | Effect::Status { .. }
        | Effect::Body(_)
        | Effect::ExpiresIn(_)
        | Effect::AccessToken(_) => response::whole(status, text),
    })
}

async fn send_half(text: String, mut body: Sender<Bytes, io::Error>, in_flight: InFlight) {
    let mut half = Bytes::from(text);
    half.truncate(half.len() / 2);
    if body.send_data(half).await.is_ok() {
        // The error discards what is not yet sent: the half must be on the wire first.
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(in_flight);
        body.abort(io::Error::other(ConnectionCut));
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

/// At most 16 MB a second. A client exceeds any limit of its own soon, and one without a limit can be
/// stopped before it has filled the memory.
async fn send_spaces(mut body: Sender<Bytes, io::Error>, in_flight: InFlight) {
    let _in_flight = in_flight;
    let spaces = Bytes::from_static(&[b' '; 16 * 1024]);
    while body.send_data(spaces.clone()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
