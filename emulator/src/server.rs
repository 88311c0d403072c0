//! Sockets: accepts connections, speaks TLS and HTTP/1.1, and passes each request to its module.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::control;
use crate::delivery::{self, ConnectionCut, Content};
use crate::endpoint::Endpoint;
use crate::response::{self, Body};
use crate::script::Step;
use crate::state::{InFlight, SharedState};
use crate::wechat;

/// The longest request body that the server reads, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Serves connections until the sender of `stop` is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<SharedState>,
    mut stop: oneshot::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            _ = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                shared.with(|state, _| state.counters.connections += 1);
                tokio::spawn(handshake(stream, peer.ip(), tls.clone(), Arc::clone(&shared)));
            }
            // Out of descriptors, most likely: wait for a connection to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn handshake(
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<SharedState>,
) {
    // With the delay, a dripped answer would wait for acknowledgements. Nothing else depends on it.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_connection(stream, peer, shared).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve_connection(stream, peer, shared).await;
            }
        }
    }
}

async fn serve_connection<S>(stream: S, peer: IpAddr, shared: Arc<SharedState>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = AtomicBool::new(true);
    let service = service_fn(|request: Request<Incoming>| {
        let for_control = request.uri().path().starts_with(control::PREFIX);
        if first.swap(false, Ordering::Relaxed) && for_control {
            shared.with(|state, _| {
                state.counters.connections = state.counters.connections.saturating_sub(1);
            });
        }
        respond(request, peer, Arc::clone(&shared))
    });
    // An error means that the client or a script has closed the connection.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    request: Request<Incoming>,
    peer: IpAddr,
    shared: Arc<SharedState>,
) -> Result<Response<Body>, ConnectionCut> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let in_flight =
        Endpoint::at(path).map(|endpoint| (endpoint, InFlight::arrive(&shared, endpoint)));
    if in_flight.is_some() && lacks_length(&head) {
        return Ok(response::whole(StatusCode::PRECONDITION_FAILED, String::new()));
    }
    let Some(body) = read_body(body).await else {
        return Ok(response::json(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({ "error": "request body incomplete or above 1 MiB" }),
        ));
    };
    let request = wechat::Request {
        method: &head.method,
        query: head.uri.query().unwrap_or_default(),
        body: &body,
        from: peer,
    };
    if let Some((endpoint, in_flight)) = in_flight {
        return fetch(endpoint, &request, in_flight, &shared).await;
    }
    Ok(if path.starts_with(control::PREFIX) {
        control::answer(&head.method, path, &body, &shared)
    } else if path == wechat::DOMAIN_IP_PATH {
        let answer = shared.with(|state, now| wechat::domain_ip(&request, state, now));
        response::json(StatusCode::OK, &answer)
    } else {
        response::json(StatusCode::NOT_FOUND, &json!({ "error": "no such path" }))
    })
}

/// One token or ticket fetch. WeChat's rules apply at its arrival; the answer comes after the latency.
async fn fetch(
    endpoint: Endpoint,
    request: &wechat::Request<'_>,
    in_flight: InFlight,
    shared: &SharedState,
) -> Result<Response<Body>, ConnectionCut> {
    let (content, effect, wait) = shared.with(|state, now| {
        let Step { delay, effect, errcode_as_string, .. } =
            state.script.next_for(endpoint).unwrap_or_default();
        let wait = state.options.latency.saturating_add(delay);
        let content = Content::under(&effect, endpoint.service(), request.from, || {
            wechat::fetch(endpoint, request, state, now)
        });
        let content = if errcode_as_string { content.with_errcode_as_string() } else { content };
        (content, effect, wait)
    });
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    delivery::deliver(effect, content, in_flight).await
}

/// Whether WeChat's gateway rejects the request unread: a POST without a Content-Length, such as a
/// chunked one (seen by fastwego/miniprogram#3 and w7corp/easywechat#2191).
fn lacks_length(head: &Parts) -> bool {
    head.method == Method::POST && !head.headers.contains_key(CONTENT_LENGTH)
}

async fn read_body(body: Incoming) -> Option<Bytes> {
    let collected = Limited::new(body, BODY_LIMIT).collect().await.ok()?;
    Some(collected.to_bytes())
}
