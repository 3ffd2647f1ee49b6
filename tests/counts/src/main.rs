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
    /// Makes what the work needs, and gives the work. Only the piece that is counted is prepared: what others allocate
    /// and drop would move its memory, and with it the count.
    prepare: Box<dyn FnOnce() -> Once>,
}

type Once = Box<dyn FnMut()>;

impl Work {
    fn new<F, T>(name: impl Into<String>, times: usize, prepare: impl FnOnce() -> F + 'static) -> Self
    where
        F: FnMut() -> T + 'static,
    {
        let prepare = move || {
            let mut once = prepare();
            Box::new(move || drop(black_box(once()))) as Once
        };
        Self { name: name.into(), times, prepare: Box::new(prepare) }
    }
}

fn main() {
    let all = || golang::all().chain(declared::all()).chain(audit::all());
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        return all().for_each(|work| println!("{}\t{}", work.name, work.times));
    };
    let times: usize = arguments.next().and_then(|times| times.parse().ok()).unwrap();
    let work = all().find(|work| work.name == name).unwrap();
    let mut once = (work.prepare)();
    (0..times).for_each(|_| once());
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_piece_of_work_can_be_done_and_has_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for work in super::golang::all().chain(super::declared::all()).chain(super::audit::all()) {
            let name = work.name.clone();
            (work.prepare)()();
            assert!(names.insert(name.clone()), "{name}");
        }
        assert!(names.len() > 15, "{names:?}");
    }
}
