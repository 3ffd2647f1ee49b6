use crate::{Error, Result};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// What a [`FaultProxy`] does to connections, new and open ones alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Everything passes.
    #[default]
    None,
    /// Each piece of data waits this long, in both directions.
    Delay(Duration),
    /// Connections are taken and kept open, and no byte moves until the fault changes.
    Stall,
    /// The client sees the end of the stream; what it sends still passes.
    HalfClose,
    /// Connections end with a TCP reset.
    Reset,
    /// A connection ends, in good order, when this many bytes have gone to its client since it was opened.
    CutAfter(u64),
    /// Nobody listens. Open connections end with a TCP reset.
    Refuse,
}

/// A TCP proxy on loopback that misbehaves on demand. Dropping it closes it and all its connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    connections: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts to pass everything on to `upstream`, on the tokio runtime of the caller.
    ///
    /// # Errors
    /// [`Error::Io`] when no port can be bound.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        let failed = || Error::io("cannot bind a loopback port");
        let port = Port::bind().map_err(failed())?;
        let (address, listener) = (port.address, port.listen().map_err(failed())?);
        let (fault, faults) = watch::channel(Fault::None);
        let connections = Arc::new(AtomicU64::new(0));
        let accepting = accept(listener, port, upstream, faults, Arc::clone(&connections));
        let task = tokio::spawn(async move {
            // A port that cannot be listened on again leaves every client refused, which a test notices.
            let _ = accepting.await;
        });
        Ok(Self { address, fault, connections, task })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches to another fault.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Connections taken since the start. Refused ones are not among them.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port that is kept although nobody listens on it. Without this, the system gives a port of its own choice that is free
/// for a moment to the next connection that anybody opens.
#[derive(Debug)]
struct Port {
    address: SocketAddr,
    _kept: TcpSocket,
}

impl Port {
    fn bind() -> io::Result<Self> {
        let kept = reusable(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: kept.local_addr()?, _kept: kept })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        reusable(self.address)?.listen(1024)
    }
}

fn reusable(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    mut listener: TcpListener,
    port: Port,
    upstream: SocketAddr,
    mut faults: watch::Receiver<Fault>,
    connections: Arc<AtomicU64>,
) -> io::Result<()> {
    let mut open = JoinSet::new();
    loop {
        if *faults.borrow_and_update() == Fault::Refuse {
            drop(listener);
            faults.wait_for(|fault| *fault != Fault::Refuse).await.map_err(io::Error::other)?;
            listener = port.listen()?;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.fetch_add(1, Ordering::SeqCst);
                    open.spawn(connection(client, upstream, faults.clone()));
                }
                // The client has gone, or there are too many files open for the moment.
                Err(_) => sleep(Duration::from_millis(1)).await,
            },
            Some(_) = open.join_next() => {}
            changed = faults.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

async fn connection(mut client: TcpStream, upstream: SocketAddr, mut faults: watch::Receiver<Fault>) {
    let mut resetting = faults.clone();
    let reset = async {
        let _ = resetting.wait_for(|fault| matches!(fault, Fault::Reset | Fault::Refuse)).await;
    };
    let passed = tokio::select! {
        () = reset => false,
        () = pass(&mut client, upstream, &mut faults) => true,
    };
    if !passed {
        // Closing with a zero linger time is what makes the kernel send a reset.
        let _ = client.set_zero_linger();
    }
}

async fn pass(client: &mut TcpStream, upstream: SocketAddr, faults: &mut watch::Receiver<Fault>) {
    moving(faults).await;
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        let _ = client.set_zero_linger();
        return;
    };
    let (client_reader, client_writer) = client.split();
    let (server_reader, server_writer) = server.split();
    let mut up = faults.clone();
    // Each way may end in good order on its own; what breaks one breaks both.
    let _ = tokio::try_join!(
        pump(client_reader, server_writer, &mut up, false),
        pump(server_reader, client_writer, faults, true),
    );
}

/// Both ways are over.
struct Over;

/// Moves bytes one way until the source ends.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    faults: &mut watch::Receiver<Fault>,
    to_client: bool,
) -> Result<(), Over> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        let fault = moving(faults).await;
        let allowed = match fault {
            Fault::HalfClose if to_client => return end(&mut to).await,
            Fault::CutAfter(limit) if to_client => limit.saturating_sub(passed),
            _ => u64::MAX,
        };
        if allowed == 0 {
            return end(&mut to).await.and(Err(Over));
        }
        let room = usize::try_from(allowed).unwrap_or(usize::MAX).min(buffer.len());
        let read = tokio::select! {
            // A fault that was set while nothing moved applies to what moves next.
            changed = faults.changed() => match changed { Ok(()) => continue, Err(_) => return Err(Over) },
            read = from.read(&mut buffer[..room]) => read.map_err(|_| Over)?,
        };
        if read == 0 {
            return end(&mut to).await;
        }
        if let Fault::Delay(time) = fault {
            sleep(time).await;
        }
        to.write_all(&buffer[..read]).await.map_err(|_| Over)?;
        passed += read as u64;
    }
}

async fn end(to: &mut WriteHalf<'_>) -> Result<(), Over> {
    to.shutdown().await.map_err(|_| Over)
}

/// The fault in force, once it lets bytes move.
async fn moving(faults: &mut watch::Receiver<Fault>) -> Fault {
    let fault = faults.wait_for(|fault| *fault != Fault::Stall).await.map(|fault| *fault);
    match fault {
        Ok(fault) => fault,
        // The proxy is gone and this task with it.
        Err(_) => std::future::pending().await,
    }
}
