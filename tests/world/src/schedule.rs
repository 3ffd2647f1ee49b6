//! Tasks step by step: in one order, or in every order that there is.

use crate::door::lock;
use crate::fault::Point;
use crate::gate::{Gates, Waiting};
use crate::world::World;
use futures::future::{BoxFuture, FutureExt};
use std::future::{Future, poll_fn};
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

/// How many orders a story may have before it is called too long to be told in every order.
const MOST_ORDERS: usize = 50_000;
/// How often spawned tasks get their turn before nobody is believed to move.
const QUIET_TURNS: usize = 16;
/// How long a sleeping task is waited for, by tokio's clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Tells a story once for each order in which its tasks can pass their gates, and returns the number of orders.
///
/// The story makes its own world each time, and must do the same when the order is the same. When it panics, the
/// order is printed. Test it with tokio's clock paused (`#[tokio::test(start_paused = true)]`), so that sleeping
/// costs nothing: a task that sleeps is one more thing that can go on before or after the others.
///
/// ```
/// use pawl_ports::{Ledger, Ports};
/// use pawl_world::{Point, World, build, every_order};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let orders = every_order(async |schedule| {
///     let world = World::new();
///     let reads_then_writes = async |world: World| {
///         world.ledger().mark("m").await.unwrap();
///         world.ledger().set_mark("m", build::at(1)).await.unwrap();
///     };
///     let (a, b) = (reads_then_writes(world.seen_by("a")), reads_then_writes(world.seen_by("b")));
///     schedule.run(&world, &[Point::Mark], [("a", a), ("b", b)]).await;
///     assert_eq!(world.ledger().mark("m").await.unwrap(), Some(build::at(1)));
/// })
/// .await;
/// assert_eq!(orders, 6); // two steps each: 4 over 2
/// # }
/// ```
pub async fn every_order(story: impl AsyncFn(&Schedule)) -> usize {
    let mut prefix = Vec::new();
    for orders in 1..=MOST_ORDERS {
        let mut schedule = Schedule::default();
        schedule.prefix = prefix;
        story(&schedule).await;
        let mut decisions = std::mem::take(&mut *lock(&schedule.decisions));
        while decisions.last().is_some_and(|decision| decision.choice + 1 == decision.options) {
            decisions.pop();
        }
        prefix = decisions.iter().map(|decision| decision.choice).collect();
        match prefix.last_mut() {
            Some(last) => *last += 1,
            None => return orders,
        }
    }
    panic!("the story has more than {MOST_ORDERS} orders; stop it at fewer points");
}

/// Decides who goes on when several tasks stand at gates.
#[derive(Debug, Default)]
pub struct Schedule {
    prefix: Vec<usize>,
    names: Vec<String>,
    mortal: Mutex<Vec<String>>,
    decisions: Mutex<Vec<Decision>>,
}

#[derive(Debug)]
struct Decision {
    choice: usize,
    options: usize,
    text: String,
}

#[derive(Debug)]
enum Move {
    Release(u64, Waiting),
    Kill(String),
    Sleep,
}

impl Schedule {
    /// One order, by the names of those that go on, one name for each gate. When the names are used up, or the
    /// one named does not wait, whoever has waited longest goes on.
    pub fn follow(names: &[&str]) -> Self {
        let mut schedule = Self::default();
        schedule.names = names.iter().map(|name| (*name).to_owned()).collect();
        schedule
    }

    /// From here on this task may also be killed at each of its gates: [`every_order`] tells those stories as well.
    #[must_use]
    pub fn with_mortal(&self, name: &str) -> &Self {
        lock(&self.mortal).push(name.to_owned());
        self
    }

    /// Runs named tasks to their end, stopping them at `points`; each task sees the world through
    /// [`World::seen_by`] of its name. Returns their results in order, `None` for a task that was killed.
    pub async fn run<F: Future + Send>(
        &self,
        world: &World,
        points: &[Point],
        tasks: impl IntoIterator<Item = (&str, F)>,
    ) -> Vec<Option<F::Output>>
    where
        F::Output: Send,
    {
        let gates = world.gates();
        let mut tasks = Tasks::new(tasks);
        let closed = Closed::new(gates, points);
        let mut slept_in_vain = false;
        loop {
            tasks.settle(gates).await;
            if tasks.all_ended() {
                drop(closed);
                return tasks.results();
            }
            match self.decide(self.moves(&tasks, gates, slept_in_vain)) {
                Move::Release(ticket, _) => gates.release(ticket),
                Move::Kill(name) => tasks.kill(&name),
                Move::Sleep => {
                    slept_in_vain = !tasks.sleep(gates).await;
                    continue;
                }
            }
            slept_in_vain = false;
        }
    }

    fn moves<T>(&self, tasks: &Tasks<'_, T>, gates: &Gates, slept_in_vain: bool) -> Vec<Move> {
        let waiting = gates.waiting();
        let stopped = |name: &str| waiting.iter().any(|(_, waiting)| waiting.actor == name);
        let asleep = tasks.running().any(|name| !stopped(name));
        let mut killed: Vec<String> = lock(&self.mortal).clone();
        killed.retain(|name| tasks.running().any(|running| running == name) && stopped(name));
        let mut moves: Vec<Move> =
            waiting.into_iter().map(|(ticket, waiting)| Move::Release(ticket, waiting)).collect();
        moves.extend(killed.into_iter().map(Move::Kill));
        if asleep && !slept_in_vain {
            moves.push(Move::Sleep);
        }
        assert!(
            !moves.is_empty(),
            "the tasks wait for each other: {:?}",
            tasks.running().collect::<Vec<_>>()
        );
        moves
    }

    fn decide(&self, mut moves: Vec<Move>) -> Move {
        let mut decisions = lock(&self.decisions);
        let turn = decisions.len();
        let by_name = |name: &String| {
            moves.iter().position(|a| matches!(a, Move::Release(_, waiting) if waiting.actor == *name))
        };
        let choice = match self.prefix.get(turn) {
            Some(choice) => *choice,
            None => self.names.get(turn).and_then(by_name).unwrap_or(0),
        };
        assert!(
            choice < moves.len(),
            "the story did not do the same in the same order; what differs between runs?"
        );
        let options = moves.len();
        let chosen = moves.swap_remove(choice);
        let text = match &chosen {
            Move::Release(_, Waiting { actor, point, subject }) => {
                format!("{actor} passes {point:?} ({subject})")
            }
            Move::Kill(name) => format!("{name} is killed"),
            Move::Sleep => "time passes".to_owned(),
        };
        decisions.push(Decision { choice, options, text });
        chosen
    }
}

impl Drop for Schedule {
    #[expect(clippy::print_stderr, reason = "the order is what a person needs to see of a story that failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let decisions = lock(&self.decisions);
            let texts: Vec<&str> = decisions.iter().map(|decision| decision.text.as_str()).collect();
            eprintln!("in this order:\n  {}", texts.join("\n  "));
        }
    }
}

/// Points that are closed for as long as this lives.
struct Closed<'a>(&'a Gates, Vec<Point>);

impl<'a> Closed<'a> {
    fn new(gates: &'a Gates, points: &[Point]) -> Self {
        gates.close(points);
        Self(gates, points.to_vec())
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.open(&self.1);
    }
}

struct Task<'a, T> {
    name: String,
    future: Option<BoxFuture<'a, T>>,
    result: Option<T>,
}

struct Tasks<'a, T>(Vec<Task<'a, T>>);

impl<'a, T: Send> Tasks<'a, T> {
    fn new<'n, F: Future<Output = T> + Send + 'a>(tasks: impl IntoIterator<Item = (&'n str, F)>) -> Self {
        let task = |(name, future): (&str, F)| Task {
            name: name.to_owned(),
            future: Some(future.boxed()),
            result: None,
        };
        Self(tasks.into_iter().map(task).collect())
    }

    /// Lets everybody go on until all that have not ended stand at a gate, sleep, or wait for each other.
    async fn settle(&mut self, gates: &Gates) {
        let mut before = self.position(gates);
        let mut quiet = 0;
        while quiet < QUIET_TURNS {
            poll_fn(|context| {
                self.poll_all(context);
                Poll::Ready(())
            })
            .await;
            tokio::task::yield_now().await;
            let now = self.position(gates);
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
        }
    }

    /// Lets time pass until somebody gets to a gate or ends. `false` if nobody did.
    async fn sleep(&mut self, gates: &Gates) -> bool {
        let before = self.position(gates);
        let woken = poll_fn(|context| {
            self.poll_all(context);
            if self.position(gates) == before { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::time::timeout(LONGEST_SLEEP, woken).await.is_ok()
    }

    fn poll_all(&mut self, context: &mut Context<'_>) {
        for task in &mut self.0 {
            let Some(future) = &mut task.future else { continue };
            if let Poll::Ready(result) = future.as_mut().poll(context) {
                task.result = Some(result);
                task.future = None;
            }
        }
    }

    fn position(&self, gates: &Gates) -> (usize, Vec<u64>) {
        (self.running().count(), gates.waiting().into_iter().map(|(ticket, _)| ticket).collect())
    }

    fn kill(&mut self, name: &str) {
        self.0.iter_mut().filter(|task| task.name == name).for_each(|task| task.future = None);
    }

    fn all_ended(&self) -> bool {
        self.running().next().is_none()
    }

    fn results(self) -> Vec<Option<T>> {
        self.0.into_iter().map(|task| task.result).collect()
    }
}

impl<T> Tasks<'_, T> {
    fn running(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|task| task.future.is_some()).map(|task| task.name.as_str())
    }
}
