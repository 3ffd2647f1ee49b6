//! What Vault's `socket` audit device writes to: a TCP or Unix socket that takes lines and answers nothing.
//!
//! Whoever reaches it can make Pawl look at keys, and nothing else; let only Vault reach it.

use super::Feed;
use pawl_events::vault::Frames;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::{info, warn};

/// The most connections at a time. A server has one for each of its devices, and keeps it for as long as it lives.
const CONNECTIONS: usize = 32;
const CHUNK: usize = 64 * 1024;
/// The pause after a connection could not be accepted, which is when the process is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where to listen: `tcp://127.0.0.1:9090` or `unix:/run/pawl/audit.sock`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// An address with its port; 0 for one that is free.
    Tcp(SocketAddr),
    /// A path. A socket that nobody listens at any more is replaced.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: write tcp://<address>:<port> or unix:<path>");
        match (text.strip_prefix("tcp://"), text.strip_prefix("unix:")) {
            (Some(address), _) => address.parse().map(Self::Tcp).map_err(|_| wrong()),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A socket that is bound. Dropping it removes the file of a Unix socket.
#[derive(Debug)]
pub struct Listener {
    kind: Bound,
    address: Address,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// When it is taken, or may not be bound.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        Ok(match address {
            Address::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                let address = Address::Tcp(listener.local_addr()?);
                Self { kind: Bound::Tcp(listener), address }
            }
            Address::Unix(path) => {
                remove_stale(path).await?;
                let address = Address::Unix(path.clone());
                Self { kind: Bound::Unix(UnixListener::bind(path)?), address }
            }
        })
    }

    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    async fn accept(&self) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        Ok(match &self.kind {
            Bound::Tcp(listener) => Box::new(listener.accept().await?.0),
            Bound::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes in what is written to the socket, until told to stop.
///
/// Connections are never closed for being idle: the first record that Vault then wrote would be lost. When there are
/// too many, the one that was silent for longest makes room.
pub async fn listen(listener: Listener, feed: Feed, mut stopped: watch::Receiver<bool>) {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            Some(_) = tasks.join_next() => {
                connections.retain(|connection| !connection.task.is_finished());
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(problem) => {
                warn!("{}: {problem}", listener.address());
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if connections.len() >= CONNECTIONS {
            make_room(&mut connections);
        }
        let heard = Heard { began, last: Arc::new(AtomicU64::new(elapsed(began))) };
        let task = tasks.spawn(read(stream, feed.clone(), heard.clone()));
        connections.push(Connection { heard, task });
    }
}

struct Connection {
    heard: Heard,
    task: AbortHandle,
}

/// When something was last heard, in milliseconds since listening began.
#[derive(Clone)]
struct Heard {
    began: Instant,
    last: Arc<AtomicU64>,
}

fn elapsed(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn make_room(connections: &mut Vec<Connection>) {
    let last = |connection: &Connection| connection.heard.last.load(Ordering::Relaxed);
    let silent = connections.iter().enumerate().min_by_key(|(_, connection)| last(connection));
    if let Some((position, _)) = silent {
        connections.swap_remove(position).task.abort();
        info!("an audit connection that was silent for long made room for another");
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, feed: Feed, heard: Heard) {
    let mut frames = Frames::default();
    let mut chunk = vec![0; CHUNK];
    let mut dropped = 0;
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        heard.last.store(elapsed(heard.began), Ordering::Relaxed);
        frames.push(chunk.get(..count).unwrap_or_default(), |line| feed.line(line));
        let more = frames.dropped() - dropped;
        if more > 0 {
            dropped = frames.dropped();
            feed.too_long(more);
        }
    }
    frames.finish(|line| feed.line(line));
}

/// Removes a socket that a process left behind that is gone.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => tokio::fs::remove_file(path).await,
        _ => Ok(()),
    }
}
