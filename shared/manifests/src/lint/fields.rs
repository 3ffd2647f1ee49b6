//! The fields of the data that a template reads whatever the data holds.
//!
//! Text is looked at, not the parsed template: what stands in a block (`if`, `with`, `range`, `define`) may never be
//! executed or have another dot, so only what stands outside of blocks, and what a block begins with, is certain.

/// Each field as its chain of names, `.a.b` as `[a, b]`.
pub(super) fn read(template: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("{{") {
        let end = end_of(after);
        let action = &after[..end];
        rest = after.get(end + 2..).unwrap_or_default();
        let action = action.strip_prefix('-').unwrap_or(action).trim_start();
        if action.starts_with("/*") {
            continue;
        }
        let word = action.split(|it: char| !it.is_ascii_alphabetic()).next().unwrap_or_default();
        let begins = matches!(word, "if" | "with" | "range" | "define" | "block");
        if depth == 0 && !matches!(word, "define" | "else" | "end") {
            found.extend(of_action(action));
        }
        match word {
            _ if begins => depth += 1,
            "end" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// Where the action ends: at the first `}}` that is in no string and no comment.
fn end_of(text: &str) -> usize {
    if let Some(comment) = text.trim_start_matches('-').trim_start().strip_prefix("/*") {
        let begin = text.len() - comment.len();
        let close = comment.find("*/").map_or(text.len(), |close| begin + close + 2);
        return text[close..].find("}}").map_or(text.len(), |end| close + end);
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'`' | b'\'') => at = after_string(bytes, at, quote),
            b'}' if bytes.get(at + 1) == Some(&b'}') => return at,
            _ => at += 1,
        }
    }
    text.len()
}

fn after_string(bytes: &[u8], begin: usize, quote: u8) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' && quote != b'`' { 2 } else { 1 };
    }
    at + 1
}

fn of_action(action: &str) -> Vec<Vec<String>> {
    let bytes = action.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'`' | b'\'') => at = after_string(bytes, at, quote),
            // `and` and `or` stop as soon as they know: what comes after may not be read.
            b'a' | b'o' if is_short_circuit(action, at) => return Vec::new(),
            b'.' if of_data(bytes, at) => {
                let chain = &action[at..];
                let end = chain
                    .find(|it: char| !it.is_alphanumeric() && it != '_' && it != '.')
                    .unwrap_or(chain.len());
                let names: Vec<String> = chain[..end]
                    .split('.')
                    .skip(1)
                    .map(str::to_owned)
                    .take_while(|name| !name.is_empty())
                    .collect();
                at += end.max(1);
                if !names.is_empty() {
                    found.push(names);
                }
            }
            _ => at += 1,
        }
    }
    found
}

fn is_short_circuit(action: &str, at: usize) -> bool {
    let before = action.as_bytes()[..at].last();
    let word = action[at..].split(|it: char| !it.is_ascii_alphanumeric()).next();
    matches!(word, Some("and" | "or"))
        && before.is_none_or(|byte| matches!(byte, b' ' | b'(' | b'|' | b'=' | b'\n' | b'\t'))
}

/// Whether a dot begins a field of the data: of `.` itself or of `$`, not of a variable, a call or a number.
fn of_data(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        None | Some(b' ' | b'(' | b'|' | b'=' | b',' | b'\n' | b'\t') => true,
        // `$.x`, at the start of an operand.
        Some(b'$') => before(2).is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_'),
        Some(_) => false,
    }
}
