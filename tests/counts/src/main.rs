//! Does one piece of pure work so many times, so that its instructions can be counted: see `tools/counts`.
//!
//! usage: `pawl-counts` names every piece of work and how often one count does it; `pawl-counts <name> <times>` does it.
//!
//! Instructions and not time: they are nearly the same in each run and on a busy machine, so that a change of one in a
//! hundred shows. What they do not show is waiting for memory; `make bench` measures time.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what cannot be counted must end, and names are its output"
)]

mod audit;
mod declared;
mod golang;

use std::hint::black_box;

/// One piece of work.
struct Work {
    name: String,
    /// How often it is done for one count: so often that what the program does around it is little.
    times: usize,
    once: Box<dyn FnMut()>,
}

impl Work {
    fn new<T>(name: impl Into<String>, times: usize, mut once: impl FnMut() -> T + 'static) -> Self {
        Self { name: name.into(), times, once: Box::new(move || drop(black_box(once()))) }
    }
}

fn main() {
    let all = || golang::all().chain(declared::all()).chain(audit::all());
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        return all().for_each(|work| println!("{}\t{}", work.name, work.times));
    };
    let times: usize = arguments.next().and_then(|times| times.parse().ok()).unwrap();
    let mut work = all().find(|work| work.name == name).unwrap();
    (0..times).for_each(|_| (work.once)());
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_piece_of_work_can_be_done_and_has_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for mut work in super::golang::all().chain(super::declared::all()).chain(super::audit::all()) {
            (work.once)();
            assert!(names.insert(work.name.clone()), "{}", work.name);
        }
        assert!(names.len() > 15, "{names:?}");
    }
}
