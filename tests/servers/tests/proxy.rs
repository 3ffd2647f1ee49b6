//! What clients of the fault proxy see.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_servers::{Fault, FaultProxy};
use std::{io::ErrorKind, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, timeout},
};

#[tokio::test]
async fn what_passes_is_unchanged_and_counted() {
    let (proxy, mut client) = connected().await;
    let sent: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let (mut reader, mut writer) = client.split();
    let mut received = Vec::new();
    let (_, read) = tokio::join!(
        async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        },
        reader.read_to_end(&mut received),
    );
    read.unwrap();
    assert!(received == sent);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn delayed_data_takes_its_time() {
    let (proxy, mut client) = connected().await;
    let delay = Duration::from_millis(60);
    proxy.set(Fault::Delay(delay));
    let start = Instant::now();
    assert_eq!(ask(&mut client).await.unwrap(), "ping");
    assert!(start.elapsed() >= 2 * delay);
}

#[tokio::test]
async fn a_stalled_connection_stays_open_and_goes_on_later() {
    let (proxy, mut client) = connected().await;
    proxy.set(Fault::Stall);
    timeout(Duration::from_millis(100), ask(&mut client)).await.unwrap_err();
    let mut second = TcpStream::connect(proxy.address()).await.unwrap();
    timeout(Duration::from_millis(100), ask(&mut second)).await.unwrap_err();
    proxy.set(Fault::None);
    for client in [&mut client, &mut second] {
        assert_eq!(answer(client).await.unwrap(), "ping");
    }
}

#[tokio::test]
async fn a_half_closed_connection_ends_for_the_reader_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start(listener.local_addr().unwrap()).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.set(Fault::HalfClose);
    assert_eq!(client.read(&mut [0; 4]).await.unwrap(), 0);
    client.write_all(b"ping").await.unwrap();
    assert_eq!(answer(&mut server).await.unwrap(), "ping");
}

#[tokio::test]
async fn a_cut_lets_exactly_so_many_bytes_through() {
    let (proxy, mut client) = connected().await;
    proxy.set(Fault::CutAfter(6));
    assert_eq!(ask(&mut client).await.unwrap(), "ping");
    client.write_all(b"pong").await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "po");
}

#[tokio::test]
async fn a_reset_breaks_open_and_new_connections() {
    let (proxy, mut open) = connected().await;
    proxy.set(Fault::Reset);
    assert_eq!(answer(&mut open).await.unwrap_err(), ErrorKind::ConnectionReset);
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut new).await.unwrap_err(), ErrorKind::ConnectionReset);
    proxy.set(Fault::None);
    let mut healed = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut healed).await.unwrap(), "ping");
}

#[tokio::test]
async fn a_refusing_proxy_comes_back_at_the_same_address() {
    let (proxy, mut open) = connected().await;
    proxy.set(Fault::Refuse);
    assert_eq!(answer(&mut open).await.unwrap_err(), ErrorKind::ConnectionReset);
    assert_eq!(
        until(&proxy, |result| result.err().map(|error| error.kind())).await,
        ErrorKind::ConnectionRefused
    );
    let other = TcpSocket::new_v4().unwrap();
    assert_eq!(
        other.bind(proxy.address()).unwrap_err().kind(),
        ErrorKind::AddrInUse,
        "the port stays its own"
    );
    proxy.set(Fault::None);
    let mut healed = until(&proxy, Result::ok).await;
    assert_eq!(ask(&mut healed).await.unwrap(), "ping");
}

#[tokio::test]
async fn an_absent_upstream_shows_as_a_reset() {
    let absent = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = FaultProxy::start(absent).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(answer(&mut client).await.unwrap_err(), ErrorKind::ConnectionReset);
}

/// A proxy before an echo server, and a connection through it.
async fn connected() -> (FaultProxy, TcpStream) {
    let proxy = FaultProxy::start(echo().await).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    client.set_nodelay(true).unwrap();
    (proxy, client)
}

async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await
            });
        }
    });
    address
}

async fn ask(client: &mut TcpStream) -> Result<String, ErrorKind> {
    client.write_all(b"ping").await.map_err(|error| error.kind())?;
    answer(client).await
}

async fn answer(client: &mut TcpStream) -> Result<String, ErrorKind> {
    let mut buffer = [0; 4];
    client.read_exact(&mut buffer).await.map_err(|error| error.kind())?;
    Ok(String::from_utf8_lossy(&buffer).into_owned())
}

/// Connects again and again: a change of the fault reaches the listener a moment after it was set.
async fn until<T>(proxy: &FaultProxy, wanted: impl Fn(std::io::Result<TcpStream>) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = wanted(TcpStream::connect(proxy.address()).await) {
            return found;
        }
        assert!(Instant::now() < deadline, "the proxy did not change within 10 s");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
