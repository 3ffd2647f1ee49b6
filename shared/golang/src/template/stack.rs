//! Deep nesting without deep stacks: every so many levels the work goes on in a thread of its own.

use std::thread;

/// How many levels of nesting share one stack.
const LEVELS: usize = 48;

/// Room for [`LEVELS`] levels of the largest frames of an unoptimised build, and for a function called at the end.
const STACK: usize = 2 << 20;

/// The steps that a thread of its own costs: some sixty microseconds.
const THREAD: u64 = 800;

/// The steps that the next level costs beyond what it does.
pub(super) fn price(depth: usize) -> u64 {
    if takes_a_thread(depth) { THREAD } else { 0 }
}

fn takes_a_thread(depth: usize) -> bool {
    depth % LEVELS == LEVELS - 1
}

/// Runs the next level, on a fresh stack if this one has carried enough. `None` if there is no thread to be had.
pub(super) fn level<R: Send>(depth: usize, run: impl FnOnce() -> R + Send) -> Option<R> {
    if !takes_a_thread(depth) {
        return Some(run());
    }
    thread::scope(|scope| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).ok()?.join().ok())
}
