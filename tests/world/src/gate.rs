//! Gates: stop tasks right before a named point, and let them go on in any order.

use crate::door::lock;
use crate::fault::Point;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use tokio::sync::Notify;

/// A closed point: every task that comes to it stops there until it is released, or until this is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use pawl_ports::{Ports, Registry};
/// use pawl_world::{Point, World};
/// let world = World::new();
/// let gate = world.gate(Point::Lookup);
/// let asks = tokio::spawn({ let world = world.clone(); async move { world.registry().clusters().await } });
/// let stopped = gate.arrived().await;
/// assert_eq!(world.calls().registry_reads, 0); // it has not asked yet
/// stopped.release();
/// assert!(asks.await.unwrap().unwrap().is_empty());
/// # }
/// ```
#[derive(Debug)]
pub struct Gate {
    gates: Arc<Gates>,
    point: Point,
}

impl Gate {
    /// Waits for a task that stops here and that was not answered before.
    pub async fn arrived(&self) -> Stopped {
        loop {
            let mut arrival = pin!(self.gates.arrival.notified());
            arrival.as_mut().enable();
            if let Some((ticket, waiting)) = self.gates.claim(self.point) {
                return Stopped { gates: Arc::clone(&self.gates), ticket, waiting };
            }
            arrival.await;
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.gates.open(&[self.point]);
    }
}

/// A task that stands at a gate. Dropping this lets it go on as [`Stopped::release`] does.
#[derive(Debug)]
pub struct Stopped {
    gates: Arc<Gates>,
    ticket: u64,
    waiting: Waiting,
}

impl Stopped {
    /// Who stopped: the name given to [`World::seen_by`](crate::World::seen_by).
    pub fn actor(&self) -> &str {
        &self.waiting.actor
    }

    /// What it was about to ask for: a key, a cluster, a declaration.
    pub fn subject(&self) -> &str {
        &self.waiting.subject
    }

    /// Lets it go on.
    pub fn release(self) {}
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.gates.release(self.ticket);
    }
}

/// All gates of a world.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    state: Mutex<State>,
    arrival: Notify,
}

#[derive(Debug, Default)]
struct State {
    closed: BTreeMap<Point, usize>,
    tickets: BTreeMap<u64, Ticket>,
    next: u64,
}

#[derive(Debug)]
struct Ticket {
    waiting: Waiting,
    claimed: bool,
    released: bool,
    waker: Option<Waker>,
}

/// Who waits where, about to ask for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) actor: String,
    pub(crate) point: Point,
    pub(crate) subject: String,
}

impl Gates {
    pub(crate) fn gate(self: &Arc<Self>, point: Point) -> Gate {
        self.close(&[point]);
        Gate { gates: Arc::clone(self), point }
    }

    pub(crate) fn close(&self, points: &[Point]) {
        let mut state = lock(&self.state);
        for point in points {
            *state.closed.entry(*point).or_default() += 1;
        }
    }

    /// Takes one closing back; tasks go on where none is left.
    pub(crate) fn open(&self, points: &[Point]) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        for point in points {
            let left = state.closed.get_mut(point).map_or(0, |closed| {
                *closed -= 1;
                *closed
            });
            if left == 0 {
                state.closed.remove(point);
                state
                    .tickets
                    .values_mut()
                    .filter(|ticket| ticket.waiting.point == *point)
                    .for_each(Ticket::release);
            }
        }
    }

    /// Stops here while the point is closed.
    pub(crate) async fn pass(self: &Arc<Self>, point: Point, actor: &str, subject: &str) {
        let Some(place) = self.queue(point, actor, subject) else { return };
        self.arrival.notify_waiters();
        poll_fn(|context| {
            let mut state = lock(&self.state);
            let ticket = state.tickets.get_mut(&place.ticket).expect("a place in the queue keeps its ticket");
            if ticket.released {
                return Poll::Ready(());
            }
            ticket.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Who waits, in the order of arrival.
    pub(crate) fn waiting(&self) -> Vec<(u64, Waiting)> {
        let state = lock(&self.state);
        let waiting = state.tickets.iter().filter(|(_, ticket)| !ticket.released);
        waiting.map(|(number, ticket)| (*number, ticket.waiting.clone())).collect()
    }

    pub(crate) fn release(&self, ticket: u64) {
        if let Some(ticket) = lock(&self.state).tickets.get_mut(&ticket) {
            ticket.release();
        }
    }

    fn claim(&self, point: Point) -> Option<(u64, Waiting)> {
        let mut state = lock(&self.state);
        let mut waiting = state.tickets.iter_mut();
        let (number, ticket) =
            waiting.find(|(_, ticket)| ticket.waiting.point == point && !ticket.claimed)?;
        ticket.claimed = true;
        Some((*number, ticket.waiting.clone()))
    }

    fn queue(self: &Arc<Self>, point: Point, actor: &str, subject: &str) -> Option<Place> {
        let mut state = lock(&self.state);
        if !state.closed.contains_key(&point) {
            return None;
        }
        let number = state.next;
        state.next += 1;
        let waiting = Waiting { actor: actor.to_owned(), point, subject: subject.to_owned() };
        state.tickets.insert(number, Ticket { waiting, claimed: false, released: false, waker: None });
        Some(Place { gates: Arc::clone(self), ticket: number })
    }
}

impl Ticket {
    fn release(&mut self) {
        self.released = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A place in the queue; a task that is dropped gives it up.
struct Place {
    gates: Arc<Gates>,
    ticket: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.gates.state).tickets.remove(&self.ticket);
    }
}
