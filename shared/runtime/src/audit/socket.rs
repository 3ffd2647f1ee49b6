//! What Vault's `socket` audit device writes to: a TCP or Unix socket that takes lines and answers nothing.
//!
//! Whoever is heard here can make Pawl look at keys, and nothing else. A Unix socket hears the users whom the operator
//! trusts ([`Peers`]). TCP tells nothing of who connects, so it is for this machine alone.

use super::{Feed, Peers};
use pawl_events::vault::Frames;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
/// Of how many users it is said that they are not heard; of further ones it is only counted.
const MOST_TOLD: usize = 16;

/// Where to listen: `tcp://127.0.0.1:9090` or `unix:/run/pawl/audit.sock`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// A loopback address with its port; 0 for one that is free.
    Tcp(SocketAddr),
    /// A path. A socket that nobody listens at any more is replaced.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: write tcp://<address>:<port> or unix:<path>");
        match (text.strip_prefix("tcp://"), text.strip_prefix("unix:")) {
            (Some(address), _) => {
                let address: SocketAddr = address.parse().map_err(|_| wrong())?;
                refuse_others(address)?;
                Ok(Self::Tcp(address))
            }
            (_, Some(path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ => Err(wrong()),
        }
    }
}

/// Over TCP nobody says who they are, and what the whole network can reach would hear everybody.
fn refuse_others(address: SocketAddr) -> Result<(), String> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "tcp://{address}: audit records are taken over TCP from this machine only: listen on 127.0.0.1 or [::1], or at \
         unix:<path>; for a Vault on another machine let an agent post them to /v1/vault/audit with PAWL_AUDIT_TOKEN"
    ))
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
    /// Users that were not heard, of whom the log knows.
    told: Mutex<BTreeSet<u32>>,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, Peers),
}

impl Listener {
    /// Binds an address. At a Unix socket only `peers` are heard; where the operator named some, everybody may connect to
    /// its file, else those whom the file's mode lets.
    ///
    /// # Errors
    /// When it is taken, may not be bound, or is a TCP address that other machines reach.
    pub async fn bind(address: &Address, peers: Peers) -> io::Result<Self> {
        let (kind, address) = match address {
            Address::Tcp(address) => {
                refuse_others(*address).map_err(|rule| io::Error::new(io::ErrorKind::InvalidInput, rule))?;
                let listener = TcpListener::bind(address).await?;
                let address = Address::Tcp(listener.local_addr()?);
                (Bound::Tcp(listener), address)
            }
            Address::Unix(path) => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path)?;
                if peers.are_named() {
                    tokio::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).await?;
                }
                (Bound::Unix(listener, peers), Address::Unix(path.clone()))
            }
        };
        Ok(Self { kind, address, told: Mutex::default() })
    }

    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection; `None` for one that was closed because its user is not heard.
    async fn accept(&self) -> io::Result<Option<Box<dyn AsyncRead + Send + Unpin>>> {
        match &self.kind {
            Bound::Tcp(listener) => Ok(Some(Box::new(listener.accept().await?.0))),
            Bound::Unix(listener, peers) => {
                let stream = listener.accept().await?.0;
                // Who cannot be told is nobody who is known.
                let uid = stream.peer_cred().ok().map(|peer| peer.uid());
                if uid.is_some_and(|uid| peers.have(uid)) {
                    return Ok(Some(Box::new(stream)));
                }
                self.refuse(uid);
                Ok(None)
            }
        }
    }

    fn refuse(&self, uid: Option<u32>) {
        metrics::counter!("pawl_audit_refused_total").increment(1);
        let Some(uid) = uid else { return };
        // Whoever panicked with it left it whole: it changes by single insertions.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(uid) {
            warn!(
                uid,
                "{}: a connection was closed, for its user may not hand in audit records; if it is your Vault's, name it in \
                 PAWL_VAULT_AUDIT_PEERS. Further ones are counted in pawl_audit_refused_total",
                self.address
            );
        }
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
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Audit, feed};
    use crate::config;
    use tokio::io::AsyncWriteExt;

    /// A user whom nobody has.
    const STRANGER: u32 = 4_294_000_000;

    #[tokio::test]
    async fn a_user_who_is_not_named_is_not_heard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.sock");
        let listener = Listener::bind(&Address::Unix(path.clone()), Peers::only(STRANGER)).await.unwrap();
        for _ in 0..2 {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            assert!(listener.accept().await.unwrap().is_none());
            assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or_default(), 0, "it was closed");
        }
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(*listener.told.lock().unwrap(), BTreeSet::from([own]), "it is told once");

        // And who is not heard costs the others nothing.
        let (near, mut changes) = feed(Arc::new(Audit::new(&config::Audit::default())), 64);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(listen(listener, near, stopped));
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let record = br#"{"type":"response","request":{"id":"1","operation":"update","mount_point":"secret/","mount_type":"kv","path":"secret/data/app/db"},"response":{"data":{"version":2}}}"#;
        let _ = stream.write_all(record).await;
        let _ = stream.write_all(b"\n").await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or_default(), 0);
        stop.send(true).unwrap();
        task.await.unwrap();
        assert!(changes.recv().await.is_none(), "nothing that it wrote was read");
    }

    #[tokio::test]
    async fn a_socket_is_open_to_other_users_only_where_some_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open = Address::Unix(folder.path().join("open.sock"));
        let shut = Address::Unix(folder.path().join("shut.sock"));
        let named = Listener::bind(&open, Peers::only(STRANGER)).await.unwrap();
        let unnamed = Listener::bind(&shut, Peers::new(&[])).await.unwrap();
        assert_eq!(mode(&folder.path().join("open.sock")), 0o666);
        assert_eq!(mode(&folder.path().join("shut.sock")) & 0o002, 0, "others may not write");
        drop((named, unnamed));
    }
}
