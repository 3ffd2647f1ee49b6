//! The ids of records seen lately.

use std::collections::{HashSet, VecDeque};

/// How many ids are kept: the copies of one record follow each other closely.
const MOST: usize = 4096;

/// Ids of requests, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Seen {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    /// Whether an id comes for the first time. What is no UUID is never taken for seen.
    pub(super) fn is_new(&mut self, id: &str) -> bool {
        let Some(id) = uuid(id) else { return true };
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// An id comes for the first time once more.
    pub(super) fn forget(&mut self, id: &str) {
        // It keeps its place in the order: if it comes again, it is only forgotten somewhat early.
        if let Some(id) = uuid(id) {
            self.known.remove(&id);
        }
    }
}

fn uuid(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_apart_from_what_is_new() {
        let mut seen = Seen::default();
        let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
        assert!(seen.is_new(&id(0)) && !seen.is_new(&id(0)) && seen.is_new(&id(1)));
        assert!(seen.is_new("") && seen.is_new(""), "what has no id cannot be told apart");
        for number in 2..2 + MOST {
            assert!(seen.is_new(&id(number)));
        }
        assert!(seen.is_new(&id(0)), "it was forgotten");
        assert_eq!(seen.order.len(), MOST);
        seen.forget(&id(0));
        assert!(seen.is_new(&id(0)) && !seen.is_new(&id(0)), "what was lost may come again");
        assert_eq!(seen.order.len(), MOST);
    }
}
