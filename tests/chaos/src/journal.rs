//! What the driver did and when: a log to read, and the sequences that targets must follow.

use crate::world::{Key, Place, Spec};
use crate::{io, lock};
use pawl_e2e::Result;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// From this moment on a key stands in its store with this value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stood {
    pub(crate) from: Duration,
    pub(crate) n: u32,
}

/// From this moment on a place has this manifest, or none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Declared {
    pub(crate) from: Duration,
    pub(crate) spec: Option<Spec>,
}

/// Times are since the start of the run. The beginning of an action is what counts: its effect cannot be seen earlier.
#[derive(Debug)]
pub(crate) struct Journal {
    began: Instant,
    file: Mutex<BufWriter<File>>,
    lines: Mutex<Vec<String>>,
    stood: Mutex<BTreeMap<Key, Vec<Stood>>>,
    declared: Mutex<BTreeMap<Place, Vec<Declared>>>,
}

impl Journal {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(io("cannot make the driver's log"))?;
        Ok(Self {
            began: Instant::now(),
            file: Mutex::new(BufWriter::new(file)),
            lines: Mutex::default(),
            stood: Mutex::default(),
            declared: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// A line of the log. It names keys and declarations as they are shown, which is how lines are found again.
    pub(crate) fn note(&self, text: &str) {
        let line = format!("{:9.3} {text}", self.now().as_secs_f64());
        // The log helps to understand a failure and decides nothing: a full disk must not end the run.
        let _ = writeln!(lock(&self.file), "{line}");
        lock(&self.lines).push(line);
    }

    pub(crate) fn stands(&self, key: Key, from: Duration, n: u32) {
        lock(&self.stood).entry(key).or_default().push(Stood { from, n });
    }

    pub(crate) fn declares(&self, place: Place, from: Duration, spec: Option<Spec>) {
        lock(&self.declared).entry(place).or_default().push(Declared { from, spec });
    }

    pub(crate) fn stood(&self) -> BTreeMap<Key, Vec<Stood>> {
        lock(&self.stood).clone()
    }

    pub(crate) fn declared(&self) -> BTreeMap<Place, Vec<Declared>> {
        lock(&self.declared).clone()
    }

    /// The last lines that hold one of the words.
    pub(crate) fn about(&self, words: &[String], most: usize) -> Vec<String> {
        let lines = lock(&self.lines);
        let about = |line: &&String| words.iter().any(|word| line.contains(word.as_str()));
        let mut found: Vec<String> = lines.iter().rev().filter(about).take(most).cloned().collect();
        found.reverse();
        found
    }

    pub(crate) fn flush(&self) {
        let _ = lock(&self.file).flush();
    }
}
