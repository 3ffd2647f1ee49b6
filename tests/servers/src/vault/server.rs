//! Connections: listening, TLS, HTTP/1.1, and what goes wrong on purpose.

use super::{
    VaultFault,
    answer::{Answer, refused},
    call::{Call, Peer},
    core::Core,
    json::{Json, encode},
};
use futures::stream;
use http::{Request, Response, header};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// What a server with TLS listens with.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// Who signs the certificates of clients, DER.
    pub(crate) authority: Vec<u8>,
}

/// The accepting task. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

type Body = BoxBody<Bytes, io::Error>;

impl Server {
    pub(crate) async fn start(core: Arc<Core>, tls: Option<Tls>) -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(accept(listener, core, tls)) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, core: Arc<Core>, tls: Option<Tls>) {
    // Ends with this task, and its connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, address)) = accepted {
                let _ = stream.set_nodelay(true);
                let (core, tls) = (Arc::clone(&core), tls.clone());
                connections.spawn(async move {
                    let Some(tls) = tls else {
                        return serve(stream, core, Peer { address, certificates: None }).await;
                    };
                    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.acceptor.accept(stream)).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let certificates = shown.map(|shown| vec![shown.to_vec(), tls.authority.clone()]);
                    serve(stream, core, Peer { address, certificates }).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, core: Arc<Core>, peer: Peer) {
    let service = service_fn(|request| answer(Arc::clone(&core), request, peer.clone()));
    // What goes wrong on a connection went wrong for the client too, which is the one to tell of it.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error closes the connection.
async fn answer(core: Arc<Core>, request: Request<Incoming>, peer: Peer) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if !head.uri.path().starts_with("/v1/") {
        return Ok(plain(404, "404 page not found\n"));
    }
    if head.uri.path().contains("//") {
        return Ok(plain(307, ""));
    }
    let body = String::from_utf8_lossy(&body);
    let call = match Call::read(&head.method, &head.uri, head.headers, &body, peer) {
        Ok(call) => call,
        Err(refusal) => return Ok(whole(refused(&refusal))),
    };
    let (method, path) = core.note(&call);
    match core.faults.judge(method, &path) {
        None => Ok(whole(core.handle(call).await)),
        Some(VaultFault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Ok(whole(core.handle(call).await))
        }
        Some(VaultFault::Hang) => std::future::pending().await,
        Some(VaultFault::CutBefore) => Err(io::ErrorKind::ConnectionReset.into()),
        Some(VaultFault::CutBody) => cut(core.handle(call).await),
        Some(VaultFault::Answer { status, errors, headers }) => {
            let errors = errors.into_iter().map(Json::String).collect();
            let body = encode(&Json::object([("errors", Json::Array(errors))]));
            let mut response = whole(Answer { status, body });
            for (name, value) in headers {
                if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), value.parse()) {
                    response.headers_mut().insert(name, value);
                }
            }
            Ok(response)
        }
    }
}

fn whole(answer: Answer) -> Response<Body> {
    let mut response = plain(answer.status, &answer.body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if answer.status != 204 {
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    response
}

/// Half of an answer that says how long it would have been. One without a body is lost whole.
fn cut(answer: Answer) -> io::Result<Response<Body>> {
    let lost = || io::Error::from(io::ErrorKind::ConnectionReset);
    if answer.body.is_empty() {
        return Err(lost());
    }
    let half = Bytes::copy_from_slice(&answer.body.as_bytes()[..answer.body.len() / 2]);
    let length = answer.body.len();
    let mut response = whole(Answer { status: answer.status, body: String::new() });
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    let parts = [Ok(Frame::data(half)), Err(lost())];
    *response.body_mut() = StreamBody::new(stream::iter(parts)).boxed();
    Ok(response)
}

fn plain(status: u16, body: &str) -> Response<Body> {
    let body = http_body_util::Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed());
    // The numbers are the double's own and those of tests: three digits.
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}
