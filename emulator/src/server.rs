//! Sockets: accepts connections, speaks TLS and HTTP/1.1, and hands requests to their room.

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

use crate::api;
use crate::control;
use crate::delivery::{self, Body, Content, Severed};
use crate::endpoint::Endpoint;
use crate::script::Step;
use crate::world::{InFlight, Shared};

/// Longest request body that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Serves connections until `stop` fires or its sender is gone.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stop: oneshot::Receiver<()>,
) {
    loop {
        let accepted = tokio::select! {
            _ = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                shared.with(|world, _| world.counters.connections += 1);
                tokio::spawn(greet(stream, peer.ip(), tls.clone(), Arc::clone(&shared)));
            }
            // Out of descriptors, most likely: some connection will end.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn greet(stream: TcpStream, peer: IpAddr, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // Without it, a dripped answer would wait for acknowledgements; nothing else depends on it.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, peer, shared).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, peer, shared).await;
            }
        }
    }
}

async fn converse<S>(stream: S, peer: IpAddr, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let first = AtomicBool::new(true);
    let service = service_fn(|request: Request<Incoming>| {
        let for_control = request.uri().path().starts_with(control::PREFIX);
        if first.swap(false, Ordering::Relaxed) && for_control {
            shared.with(|world, _| {
                world.counters.connections = world.counters.connections.saturating_sub(1);
            });
        }
        respond(request, peer, Arc::clone(&shared))
    });
    // An error means that the client went, or that a script cut the connection: nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    request: Request<Incoming>,
    peer: IpAddr,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Severed> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let in_flight =
        Endpoint::at(path).map(|endpoint| (endpoint, InFlight::arrive(&shared, endpoint)));
    if in_flight.is_some() && lacks_length(&head) {
        return Ok(delivery::bare(StatusCode::PRECONDITION_FAILED));
    }
    let Some(body) = read(body).await else {
        return Ok(delivery::json(
            StatusCode::PAYLOAD_TOO_LARGE,
            &json!({ "error": "request body incomplete or above 1 MiB" }),
        ));
    };
    let request = api::Request {
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
    } else if path == api::DOMAIN_IP_PATH {
        let answer = shared.with(|world, now| api::domain_ip(&request, world, now));
        delivery::json(StatusCode::OK, &answer)
    } else {
        delivery::json(StatusCode::NOT_FOUND, &json!({ "error": "no such path" }))
    })
}

/// One token or ticket fetch: WeChat decides when it arrives; the answer comes after the latency.
async fn fetch(
    endpoint: Endpoint,
    request: &api::Request<'_>,
    in_flight: InFlight,
    shared: &Shared,
) -> Result<Response<Body>, Severed> {
    let (content, effect, wait) = shared.with(|world, now| {
        let Step { delay, effect, errcode_as_string, .. } =
            world.script.take(endpoint).unwrap_or_default();
        let wait = world.options.latency.saturating_add(delay);
        let content = Content::of(&effect, endpoint.service(), request.from, || {
            api::fetch(endpoint, request, world, now)
        });
        let content = if errcode_as_string { content.with_errcode_as_string() } else { content };
        (content, effect, wait)
    });
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    delivery::deliver(effect, content, in_flight).await
}

/// Whether WeChat's gateway refuses a request unread: a POST that does not tell its length, as one that is
/// chunked (seen by fastwego/miniprogram#3 and w7corp/easywechat#2191).
fn lacks_length(head: &Parts) -> bool {
    head.method == Method::POST && !head.headers.contains_key(CONTENT_LENGTH)
}

async fn read(body: Incoming) -> Option<Bytes> {
    let collected = Limited::new(body, BODY_LIMIT).collect().await.ok()?;
    Some(collected.to_bytes())
}
