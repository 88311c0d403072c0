//! HTTP responses: whole ones, and ones whose body a task sends piece by piece.

use std::io;

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A body that is there at once, or one that a task sends.
pub(crate) type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    whole(status, json_text(value))
}

pub(crate) fn json_text(value: &impl Serialize) -> String {
    // Fails for maps whose keys are not strings. No answer has one.
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn whole(status: StatusCode, text: String) -> Response<Body> {
    with_head(status, Either::Left(Full::from(text)))
}

/// A response whose body `send` sends, on its own task. Without a length, it is chunked.
pub(crate) fn streamed<F>(
    status: StatusCode,
    length: Option<usize>,
    send: impl FnOnce(Sender<Bytes, io::Error>) -> F,
) -> Response<Body>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, body) = Channel::new(1);
    tokio::spawn(send(sender));
    let mut response = with_head(status, Either::Right(body));
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response
}

fn with_head(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; encoding=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
