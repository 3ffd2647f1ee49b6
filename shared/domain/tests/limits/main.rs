//! What rendering may cost, whatever a tenant declares: at most [`TIME`] of a processor and [`ROOM`] of memory in a release
//! build, and it ends by itself. Budgets promise that; here a counting allocator and the processor's clock hold them to it.
//!
//! | module | what is rendered |
//! |---|---|
//! | `functions` | every function that a template may call, in a loop, with arguments that make it work hard |
//! | `known` | what once took too long or too much, and its kin |
//! | `made_up` | declarations that a die makes of such parts |
//!
//! Debug builds are some tens of times slower. There, a case gets a part of the steps and of the time in proportion, so what
//! is found is a price that is wrong by an order of magnitude. `make soak` runs all of it in a release build, for longer.
#![expect(clippy::unwrap_used, reason = "a case that cannot be made has failed")]
#![expect(clippy::print_stdout, reason = "what things cost is shown where somebody asks for it")]

mod case;
mod functions;
mod known;
mod made_up;

use case::Case;
use pawl_domain::{Budget, Functions, Recipe};
use peak_alloc::PeakAlloc;
use rustix::time::{ClockId, clock_gettime};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that one rendering may take of a processor, its compilation included.
pub(crate) const TIME: Duration = Duration::from_secs(1);
/// The most memory that one rendering may have at any time, beside what it is given.
pub(crate) const ROOM: usize = 64 << 20;

/// How many times longer it may take to find the primes of one key of 4,096 bits than it does on the whole: there is no way to
/// stop in the middle, and a budget has room for one.
const LUCK: u32 = 5;

/// By how much a debug build is slower than a release build at what is charged for. Cryptography in it is slower still, so
/// its price keeps it out of the part of the budget that debug builds are given.
const SLOWER: u32 = 40;

pub(crate) static FUNCTIONS: LazyLock<Functions> =
    LazyLock::new(|| Functions::new(|| jiff::Timestamp::UNIX_EPOCH));

/// What one rendering cost.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) room: usize,
    pub(crate) steps: u64,
    /// How it ended: the error's text, or how much there is.
    pub(crate) end: String,
}

impl Cost {
    /// Renders once. Only one rendering is measured at a time.
    pub(crate) fn of(case: &Case, mut budget: Budget) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        LazyLock::force(&FUNCTIONS);
        let given = budget.steps_left();
        MEMORY.reset_peak_usage();
        let (before, began) = (MEMORY.current_usage(), now());
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            let recipe = Recipe::of(&case.declaration, &FUNCTIONS)?;
            recipe.render_within(&mut budget, &case.values, &case.sources)
        }));
        let (time, room) = (now() - began, MEMORY.peak_usage().saturating_sub(before));
        let end = match rendered {
            Ok(Ok(rendered)) => format!("{} entries", rendered.data.len()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panics".to_owned(),
        };
        Self { time, room, steps: given - budget.steps_left(), end }
    }

    /// What is wrong with it, where this part of the default budget was given.
    pub(crate) fn complaint(&self, case: &Case, parts: u32) -> Option<String> {
        // Setting a case up, its patterns above all, is not charged, whatever part of the budget there is.
        let slower = if cfg!(debug_assertions) { SLOWER } else { 1 };
        let most = (TIME / parts + Duration::from_millis(100)) * slower;
        let most = if case.takes_luck() { most * LUCK } else { most };
        let about =
            || format!("{:?}, {} MiB, {} steps: {:.300}", self.time, self.room >> 20, self.steps, self.end);
        let wrong =
            self.time > most || self.room > ROOM || self.end == "it panics" || self.end.len() > 10_000;
        wrong.then(about)
    }
}

/// How long this process has had a processor.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// A part of the default budget: all bytes, for they are the same in every build, and one of so many parts of its steps.
pub(crate) fn part(parts: u32) -> Budget {
    let whole = Budget::default();
    Budget::new(whole.steps_left() / u64::from(parts), whole.bytes_left())
}

/// Holds cases to the limits; tells all that break them.
pub(crate) fn hold(cases: impl IntoIterator<Item = Case>, parts: u32) {
    let mut broken = Vec::new();
    for case in cases {
        let cost = Cost::of(&case, part(parts));
        if std::env::var_os("SHOW").is_some() {
            println!(
                "{:>9.1} ms {:>6.1} MiB {:>8} steps {:>8.0} ns/step  {}: {}",
                cost.time.as_secs_f64() * 1e3,
                cost.room as f64 / f64::from(1 << 20),
                cost.steps,
                cost.time.as_nanos() as f64 / cost.steps.max(1) as f64,
                case.name,
                // What is wrong stands at the end.
                cost.end.chars().rev().take(90).collect::<Vec<_>>().into_iter().rev().collect::<String>()
            );
        }
        broken.extend(cost.complaint(&case, parts).map(|complaint| format!("{}: {complaint}", case.name)));
    }
    assert!(broken.is_empty(), "{} cases break the limits:\n{}", broken.len(), broken.join("\n"));
}

/// In a debug build the steps are so many times fewer.
pub(crate) const fn fewer(release: u32, debug: u32) -> u32 {
    if cfg!(debug_assertions) { debug } else { release }
}
