//! Serves connections: HTTP/1.1 on the loopback interface. Requests reach the routes as API Gateway would pass them on.
//!
//! 1. A connection has 10 seconds for TLS and for the request line and headers of each request, and 30 seconds for a body.
//! 2. The body is read completely, up to one byte more than the limit: the routes' own limit then refuses it.
//! 3. The request gets its id and the address of the connection, never those of a header (security 115).
//! 4. A signal stops the listeners. Requests in flight may finish.

use super::Gateway;
use super::mailbox::Mailbox;
use crate::engine::Engine;
use crate::pages::{Peer, TABLES_BODY, TABLES_PATH};
use crate::world::request_id;
use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use latchkey::context::{Deadline, Random};
use latchkey::web::Host;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take after the signal.
const GRACE: Duration = Duration::from_secs(10);
/// Larger than the routes allow, so that the routes themselves refuse the request, with a helpful problem document.
const READ_BUFFER: usize = 64 * 1024;
/// One byte more than the maximum length of a body.
const BODY_READ: usize = 64 * 1024 + 1;
/// The interval between two sweeps of expired items.
const SWEEP: Duration = Duration::from_secs(60);
/// The most concurrent connections. Further ones wait in the listener's queue.
const CONNECTIONS: usize = 4096;

/// Serves until the signal, then lets requests in flight finish.
pub async fn serve(gateway: Gateway, signal: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let connections = Connections {
        router: gateway.router,
        mailbox: gateway.mailbox.clone(),
        tls: gateway.tls,
        stopped,
        permits: Arc::new(Semaphore::new(CONNECTIONS)),
    };
    let mut listeners = JoinSet::new();
    for listener in gateway.listeners {
        listeners.spawn(connections.clone().accept(listener));
    }
    drop(connections.stopped);
    let follow = tokio::spawn(gateway.mailbox.follow());
    let sweep = gateway.sweep_engine.map(|engine| tokio::spawn(sweep(engine)));
    tokio::select! {
        () = signal => {}
        // A crash fault of the command line: abort without finishing or flushing anything.
        () = gateway.faults.crashed() => std::process::abort(),
    }
    let _ = stop.send(true);
    let _ = tokio::time::timeout(GRACE, async { while listeners.join_next().await.is_some() {} }).await;
    // Await these tasks. If the runtime stopped them first, they would log errors about missing parts.
    for task in [Some(follow), sweep].into_iter().flatten() {
        task.abort();
        let _ = task.await;
    }
}

/// Deletes expired items regularly. It uses the system's clock, as DynamoDB does, even if the gateway's clock was moved.
async fn sweep(engine: Engine) {
    loop {
        let sweep_engine = engine.clone();
        match tokio::task::spawn_blocking(move || sweep_engine.database().sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the sweep failed"),
            Err(error) => tracing::error!(%error, "the sweep was ended"),
        }
        tokio::time::sleep(SWEEP).await;
    }
}

#[derive(Clone)]
struct Connections {
    router: Router,
    mailbox: Mailbox,
    tls: Option<Arc<ServerConfig>>,
    stopped: watch::Receiver<bool>,
    permits: Arc<Semaphore>,
}

impl Connections {
    async fn accept(mut self, listener: TcpListener) {
        let mut open = JoinSet::new();
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            tokio::select! {
                () = async { drop(self.stopped.wait_for(|stopped| *stopped).await) } => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = self.clone();
                        open.spawn(async move {
                            connection.serve(stream, peer).await;
                            drop(permit);
                        });
                    }
                    // Most likely out of file descriptors: some will be closed soon.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = open.join_next() => {}
            }
        }
        while open.join_next().await.is_some() {}
    }

    async fn serve(self, stream: TcpStream, peer: SocketAddr) {
        // Answers are small. Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.http(stream, peer).await,
            Some(tls) => {
                let handshake = tokio::time::timeout(HEADER_TIMEOUT, TlsAcceptor::from(tls).accept(stream));
                if let Ok(Ok(stream)) = handshake.await {
                    self.http(stream, peer).await;
                }
            }
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
        let Self { router, mailbox, mut stopped, .. } = self;
        let service = service_fn(move |request| answer(router.clone(), mailbox.clone(), peer, request));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            // A broken connection is the client's problem.
            _ = connection.as_mut() => return,
            () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn answer(
    router: Router,
    mailbox: Mailbox,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> std::io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    // An error closes the connection: a client that does not send its body in time gets no answer.
    let limit = if parts.uri.path() == TABLES_PATH { TABLES_BODY } else { BODY_READ };
    let body = tokio::time::timeout(BODY_TIMEOUT, read(body, limit)).await??;
    let mut request = Request::from_parts(parts, Body::from(body));
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(Peer { address: peer, path });
    if let Some(request_id) = request_id(Random) {
        request.extensions_mut().insert(Host { request_id, client_address: Some(peer.ip()), deadline: Deadline::default() });
    }
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    mailbox.wake();
    Ok(response)
}

/// Reads the body up to the limit, one byte beyond what a route allows.
async fn read(body: Incoming, limit: usize) -> std::io::Result<Bytes> {
    let mut limited = Limited::new(body, limit);
    let mut read = BytesMut::new();
    while let Some(frame) = limited.frame().await {
        match frame {
            Ok(frame) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                read.resize(limit, 0);
                break;
            }
            Err(error) => return Err(std::io::Error::other(error)),
        }
    }
    Ok(read.freeze())
}
