//! Connections of the HTTP side: how many, for how long, and who goes when there are too many.
//!
//! Whoever can reach the port can open connections and send nothing. There is an end to that: each must send its
//! headers in time, and when there are too many, the oldest that no request is worked on for makes room. So a new one
//! is always let in, and health answers whatever else stands open.

use super::schedule::Stopped;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tracing::warn;

/// The most connections at a time; well below the 1,024 files that a process may have open by default.
const CONNECTIONS: usize = 256;
/// How long a connection may take to send the headers of its first or next request.
const HEADERS: Duration = Duration::from_secs(30);
/// How long a connection that no request is worked on for stays after the server was told to stop.
const LAST_WORD: Duration = Duration::from_secs(2);
/// The pause after a connection could not be accepted, which is when the process is out of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves these routes until told to stop, then finishes the requests that were begun.
pub(super) async fn serve(listener: TcpListener, routes: Router, mut stopped: Stopped) {
    let house = House::default();
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = tasks.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, routes.clone(), house.enter(), stopped.clone()));
            }
            Err(problem) => {
                warn!("a connection could not be accepted: {problem}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, routes: Router, guest: Guest, mut stopped: Stopped) {
    let seat = Arc::clone(&guest.seat);
    let told = Arc::clone(&guest.seat);
    let service = routes.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&seat));
        request
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut served = pin!(served);
    // How a connection ends is its sender's business: what matters has been answered before.
    tokio::select! {
        _ = served.as_mut() => return,
        () = told.leave.notified() => return,
        _ = stopped.wait_for(|stopped| *stopped) => served.as_mut().graceful_shutdown(),
    }
    let patience = if told.working.load(Ordering::Relaxed) == 0 { LAST_WORD } else { Duration::MAX };
    let _ = tokio::time::timeout(patience, served).await;
}

/// The place of a connection.
#[derive(Debug, Default)]
pub(super) struct Seat {
    working: AtomicUsize,
    leave: Notify,
}

impl Seat {
    /// While what this returns lives, the connection is not asked to make room. For requests whose sender has proved
    /// who it is.
    pub(super) fn work(self: &Arc<Self>) -> Working {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(Arc::clone(self))
    }
}

/// A request that is worked on.
#[derive(Debug)]
pub(super) struct Working(Arc<Seat>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

/// All connections, by age.
#[derive(Clone, Debug, Default)]
struct House(Arc<Mutex<Seats>>);

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Arc<Seat>>,
}

impl House {
    fn enter(&self) -> Guest {
        let mut seats = self.seats();
        if seats.taken.len() >= CONNECTIONS {
            let idle = |(_, seat): &(&u64, &Arc<Seat>)| seat.working.load(Ordering::Relaxed) == 0;
            let oldest = seats.taken.iter().find(idle).map(|(number, _)| *number);
            if let Some(seat) = oldest.and_then(|number| seats.taken.remove(&number)) {
                seat.leave.notify_one();
                metrics::counter!("pawl_connections_closed_total", "reason" => "full").increment(1);
            }
        }
        let number = seats.next;
        seats.next += 1;
        let seat = Arc::<Seat>::default();
        seats.taken.insert(number, Arc::clone(&seat));
        Guest { house: self.clone(), number, seat }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Whoever panicked with it left it whole: each change of it is one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in the house; it leaves when this is dropped.
#[derive(Debug)]
struct Guest {
    house: House,
    number: u64,
    seat: Arc<Seat>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.house.seats().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_to_leave(guest: &Guest) -> bool {
        !guest.house.seats().taken.contains_key(&guest.number)
    }

    #[test]
    fn the_oldest_that_nothing_is_worked_on_for_makes_room() {
        let house = House::default();
        let guests: Vec<Guest> = (0..CONNECTIONS).map(|_| house.enter()).collect();
        let working = guests[0].seat.work();
        let late = house.enter();
        let left: Vec<bool> = guests.iter().take(3).map(asked_to_leave).collect();
        assert_eq!((left, asked_to_leave(&late)), (vec![false, true, false], false));
        drop(working);
        let later = house.enter();
        assert!(asked_to_leave(&guests[0]) && !asked_to_leave(&later));
        drop(guests);
        assert_eq!(house.seats().taken.len(), 2, "who goes by itself leaves room");
    }
}
