//! YAML or JSON text to one JSON value per document, each document on its own.

use serde_json::Value;
use serde_saphyr::{Options, SnippetMode, UserMessageFormatter};

/// One document of a text.
pub(super) struct Document {
    /// The line on which its content begins, from 1.
    pub(super) line: usize,
    /// What it holds, or why it could not be read.
    pub(super) content: Result<Value, String>,
}

/// The documents of a text. Empty ones are left out.
///
/// A line that begins with `---` or `...` ends a document whatever stands before it (YAML 1.2, 9.1.2), so the text is
/// cut there first: an error in one document can then not swallow the next.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let text = text.trim_start_matches('\u{feff}');
    json(text).unwrap_or_else(|| yaml(text))
}

/// JSON objects one after the other; YAML would refuse the tabs that JSON may be indented with.
fn json(text: &str) -> Option<Vec<Document>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut documents = Vec::new();
    loop {
        let rest = text.get(values.byte_offset()..).unwrap_or_default();
        let start = text.len() - rest.trim_start().len();
        match values.next() {
            None => return Some(documents),
            Some(Ok(value)) => {
                let line = 1 + text.get(..start).unwrap_or_default().matches('\n').count();
                documents.push(Document { line, content: Ok(value) });
            }
            Some(Err(_)) => return None,
        }
    }
}

fn yaml(text: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut chunk = Chunk::default();
    let mut position = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let after = position + line.len();
        match marker(line) {
            Some(Marker::Start) => {
                documents.extend(chunk.read(text, position));
                chunk = Chunk { start: position + MARKER_LENGTH, lines_before: index };
            }
            Some(Marker::End) => {
                documents.extend(chunk.read(text, position));
                chunk = Chunk { start: after, lines_before: index + 1 };
            }
            None => {}
        }
        position = after;
    }
    documents.extend(chunk.read(text, position));
    documents
}

const MARKER_LENGTH: usize = 3;

enum Marker {
    Start,
    End,
}

fn marker(line: &str) -> Option<Marker> {
    let (head, tail) = line.split_at_checked(MARKER_LENGTH)?;
    if !(tail.is_empty() || tail.starts_with(char::is_whitespace)) {
        return None;
    }
    match head {
        "---" => Some(Marker::Start),
        "..." => Some(Marker::End),
        _ => None,
    }
}

/// Where a document's text begins.
#[derive(Default)]
struct Chunk {
    start: usize,
    lines_before: usize,
}

impl Chunk {
    fn read(&self, text: &str, end: usize) -> Option<Document> {
        let text = text.get(self.start..end).unwrap_or_default();
        let content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let first = text.lines().position(|line| content(&line))?;
        // Directives such as `%YAML 1.1` stand before the document that they speak of.
        if text.lines().filter(content).all(|line| line.starts_with('%')) {
            return None;
        }
        let parsed = serde_saphyr::from_str_with_options::<Value>(text, options());
        let content = match parsed {
            Ok(Value::Null) => return None,
            Ok(value) => Ok(value),
            Err(error) => Err(error.render_with_options(serde_saphyr::render_options! {
                formatter: &UserMessageFormatter,
                snippets: SnippetMode::Off,
                line_offset: self.lines_before as u64,
            })),
        };
        Some(Document { line: self.lines_before + first + 1, content })
    }
}

/// Errors never quote the text: a Secret may stand beside the declarations. The budget is some ten times the largest
/// ExternalSecret that an API server stores; it stops alias bombs early.
fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! { max_events: 1_000_000, max_nodes: 1_000_000 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Vec<(usize, Result<Value, String>)> {
        documents(text).into_iter().map(|document| (document.line, document.content)).collect()
    }

    #[test]
    fn documents_are_cut_at_markers() {
        let text =
            "# a comment\n---\na: 1\n--- # second\n\nb: |\n  text\n   ---\n...\n%YAML 1.1\n--- {c: 3}\n---\n";
        assert_eq!(
            read(text),
            [
                (3, Ok(json!({ "a": 1 }))),
                (6, Ok(json!({ "b": "text\n ---\n" }))),
                (11, Ok(json!({ "c": 3 }))),
            ]
        );
        assert_eq!(
            read("\u{feff}a: 1\r\n---\r\nb: 2\r\n"),
            [(1, Ok(json!({"a": 1}))), (3, Ok(json!({"b": 2})))]
        );
        assert_eq!(read(""), []);
        assert_eq!(read("----\n"), [(1, Ok(json!("----")))]);
    }

    #[test]
    fn json_is_read_with_tabs_and_one_object_after_the_other() {
        assert_eq!(
            read("{\n\t\"a\": 1\n}\n\n{\"b\": 2}\n"),
            [(1, Ok(json!({"a": 1}))), (5, Ok(json!({"b": 2})))]
        );
    }

    #[test]
    fn a_broken_document_tells_its_line_and_hides_nothing() {
        let found = read("a: 1\n---\nb: [1\n---\nc: 3\n---\nd: hunter2\nd: hunter2\n");
        assert_eq!(found[0], (1, Ok(json!({"a": 1}))));
        assert_eq!(found[2], (5, Ok(json!({"c": 3}))));
        let broken: Vec<&String> = found.iter().filter_map(|(_, content)| content.as_ref().err()).collect();
        assert_eq!(broken.len(), 2);
        assert!(broken[0].contains("line 3") || broken[0].contains("line 4"), "{}", broken[0]);
        assert!(broken[1].contains("line 8"), "{}", broken[1]);
        assert!(!broken[1].contains("hunter2"), "{}", broken[1]);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read(&text)[0].1.is_err());
    }
}
