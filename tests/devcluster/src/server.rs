//! Connections: listening, TLS, HTTP/1.1, and the network's part of the faults.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::api::Api;

const BACKLOG: u32 = 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The accepting task; dropping it closes the port and every connection.
pub(crate) struct Server {
    address: SocketAddr,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// What the accepting task is told, with a sender that hears when it is done.
enum Command {
    CutOff(oneshot::Sender<io::Result<()>>),
    Restore(oneshot::Sender<io::Result<()>>),
}

/// A port of our own: listening, or held so that connections are refused and nobody else gets it.
enum Port {
    Open(TcpListener),
    Held(TcpSocket),
}

/// A port that is bound but does not listen yet.
pub(crate) struct Bound {
    socket: TcpSocket,
    pub(crate) address: SocketAddr,
}

impl Bound {
    /// Takes a free port of the loopback interface.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        let socket = hold(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }
}

impl Server {
    /// Listens and serves until dropped.
    ///
    /// # Errors
    /// When the system refuses to listen.
    pub(crate) fn start(bound: Bound, api: Arc<Api>, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = bound.socket.listen(BACKLOG)?;
        let (commands, inbox) = mpsc::channel(1);
        let task = tokio::spawn(run(listener, bound.address, inbox, api, tls));
        Ok(Self { address: bound.address, commands, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses new connections and closes the open ones, before it returns.
    pub(crate) async fn cut_off(&self) -> io::Result<()> {
        self.command(Command::CutOff).await
    }

    /// Accepts connections again, before it returns.
    pub(crate) async fn restore(&self) -> io::Result<()> {
        self.command(Command::Restore).await
    }

    async fn command(&self, command: fn(oneshot::Sender<io::Result<()>>) -> Command) -> io::Result<()> {
        let (done, heard) = oneshot::channel();
        let gone = || io::Error::other("the cluster has stopped");
        self.commands.send(command(done)).await.map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    listener: TcpListener,
    address: SocketAddr,
    mut inbox: mpsc::Receiver<Command>,
    api: Arc<Api>,
    tls: Option<TlsAcceptor>,
) {
    let mut port = Port::Open(listener);
    // Connections live until this sender is replaced or dropped.
    let mut alive = watch::Sender::new(());
    loop {
        let command = match &port {
            Port::Held(_) => inbox.recv().await,
            Port::Open(listener) => tokio::select! {
                command = inbox.recv() => command,
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        tokio::spawn(connection(stream, Arc::clone(&api), tls.clone(), alive.subscribe()));
                    }
                    continue;
                }
            },
        };
        match (command, port) {
            (None, _) => return,
            (Some(Command::CutOff(done)), Port::Open(listener)) => {
                let (held, outcome) = close(listener, address);
                port = held;
                alive = watch::Sender::new(());
                let _ = done.send(outcome);
            }
            (Some(Command::Restore(done)), Port::Held(socket)) => match socket.listen(BACKLOG) {
                Ok(listener) => {
                    port = Port::Open(listener);
                    let _ = done.send(Ok(()));
                }
                Err(error) => {
                    let _ = done.send(Err(error));
                    return;
                }
            },
            (Some(Command::CutOff(done) | Command::Restore(done)), unchanged) => {
                port = unchanged;
                let _ = done.send(Ok(()));
            }
        }
    }
}

/// Binds a second socket to the port before the first is closed: while it does not listen, connections are refused.
fn close(listener: TcpListener, address: SocketAddr) -> (Port, io::Result<()>) {
    match hold(address) {
        Ok(socket) => (Port::Held(socket), Ok(())),
        Err(error) => (Port::Open(listener), Err(error)),
    }
}

fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn connection(
    stream: TcpStream,
    api: Arc<Api>,
    tls: Option<TlsAcceptor>,
    mut alive: watch::Receiver<()>,
) {
    // Without it each small answer would wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        // The sender never sends: this ends when it is gone.
        _ = alive.changed() => {}
        () = speak(stream, api, tls) => {}
    }
}

async fn speak(stream: TcpStream, api: Arc<Api>, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else { return serve(stream, api).await };
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        serve(stream, api).await;
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, api: Arc<Api>) {
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { api.serve(request).await }
    });
    // Idle connections stay open, so that no client meets a close that no test asked for.
    // What goes wrong here went wrong for the client too, which is the one to tell about it.
    let _: Result<(), hyper::Error> =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
