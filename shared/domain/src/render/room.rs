//! What the values, templates and patterns of one declaration may cost.

use crate::secret::SecretValue;
use pawl_golang::budget::{Budget, Exhausted};

/// What is left of the parts of templates and of the work of compiling patterns that one declaration may have.
pub(super) struct Room {
    pub(super) parts: usize,
    pub(super) patterns: Budget,
    /// Bytes that compiled patterns take.
    pub(super) compiled: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { parts: PARTS, patterns: Budget::new(PATTERNS, 0), compiled: 0 }
    }
}

impl Room {
    /// About how many bytes what was made of it takes.
    pub(super) fn size(&self) -> usize {
        (PARTS - self.parts) * PART + self.compiled
    }
}

/// The largest that all patterns of a declaration may be together, in steps to compile them: about a fifth of a second.
const PATTERNS: u64 = 2_000_000;
/// How many parts all templates of a declaration may have, as one alone may.
pub(super) const PARTS: usize = 1 << 16;
/// About how many bytes a part of a template takes.
const PART: usize = 200;
/// What a member of a document costs until it is an entry.
const MEMBER_STEPS: u64 = 15;
/// How many bytes it takes.
pub(super) const MEMBER_ROOM: usize = 200;

/// What an element of a list costs: its place in a list that doubles as it grows.
const ELEMENT_ROOM: usize = 64;

/// Takes what it costs to take a JSON document apart, of which each member becomes an allocation or two.
pub(super) fn take_apart(document: &SecretValue, budget: &mut Budget) -> Result<(), Exhausted> {
    let Parts { members, elements } = Parts::of(document.expose());
    budget.step(members as u64 * MEMBER_STEPS)?;
    budget.take(document.len() + members * MEMBER_ROOM + elements * ELEMENT_ROOM)
}

/// Of how many parts a JSON document consists. What is no JSON has any number of them.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    members: usize,
    elements: usize,
}

impl Parts {
    fn of(json: &[u8]) -> Self {
        let mut parts = Self::default();
        let (mut in_text, mut is_escaped) = (false, false);
        for byte in json {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                b':' if !in_text => parts.members += 1,
                b',' | b'[' if !in_text => parts.elements += 1,
                _ => {}
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_document_are_counted_and_the_signs_in_its_texts_are_not() {
        for (json, members, elements) in [
            ("", 0, 0),
            (r#"{"a": "b:c,d[", "e": {"f": 1}}"#, 3, 1),
            (r#"{"a\",\"": "\\", "b": [1, [2, 3]]}"#, 2, 5),
            ("[[],[],[]]", 0, 6),
        ] {
            assert_eq!(Parts::of(json.as_bytes()), Parts { members, elements }, "{json}");
        }
    }
}
