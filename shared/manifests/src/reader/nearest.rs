//! Which known word a misspelt one is nearest to.

/// The word of `known` with the fewest edits to `word`, letter case aside; of equals the first.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A field of a thousand letters is no misspelling; the table grows with its length.
    let word: Vec<char> = word.chars().take(80).flat_map(char::to_lowercase).collect();
    known.min_by_key(|candidate| distance(&word, candidate))
}

/// The Levenshtein distance, one row of the table at a time.
fn distance(word: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (line, letter) in candidate.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (column, other) in word.iter().enumerate() {
            let above = row.get(column + 1).copied().unwrap_or(usize::MAX);
            let replaced = diagonal + usize::from(letter != *other);
            let cell = replaced.min(left + 1).min(above + 1);
            diagonal = above;
            if let Some(stored) = row.get_mut(column) {
                *stored = left;
            }
            left = cell;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (word, candidate, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("key", "kind", 3),
            ("key", "name", 4),
            ("flaw", "lawn", 2),
            ("REGION", "region", 0),
        ] {
            let letters: Vec<char> = word.to_lowercase().chars().collect();
            assert_eq!(distance(&letters, candidate), edits, "{word} {candidate}");
        }
    }

    #[test]
    fn the_nearest_word_is_found() {
        let known = ["creationPolicy", "deletionPolicy", "immutable", "name"];
        for (word, want) in
            [("creationpolicy", "creationPolicy"), ("immutible", "immutable"), ("namespace", "name")]
        {
            assert_eq!(nearest(word, known.into_iter()), Some(want), "{word}");
        }
        assert_eq!(nearest("x", [].into_iter()), None);
    }
}
