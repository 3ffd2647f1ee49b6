//! Events to nodes, with aliases bound to what they name.

use std::collections::HashMap;

use super::YamlError;
use super::parser::{Event, Parser, Properties};
use super::source::{Mark, Source};
use crate::json::MAX_DEPTH;

/// The longest document, in bytes: while it is read, each takes four.
const MAX_BYTES: usize = 2 << 20;
/// The most nodes that a document may have; each takes some 150 bytes.
pub(super) const MAX_NODES: usize = 1 << 16;

/// A node of a document; children are places in [`Document::nodes`].
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) content: Content,
}

pub(super) enum Content {
    Scalar {
        value: String,
        tag: Vec<u8>,
        /// Whether the type may be guessed from the text.
        is_implicit: bool,
    },
    Sequence(Vec<usize>),
    /// Keys and values in turn.
    Mapping(Vec<usize>),
    Alias(usize),
}

/// The first document of a stream.
pub(super) struct Document {
    pub(super) nodes: Vec<Node>,
    /// Nothing for a stream without documents.
    pub(super) root: Option<usize>,
}

/// Reads the first document; what follows it is not looked at.
pub(super) fn compose(text: &[u8]) -> Result<Document, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError::TooLarge);
    }
    let mut parser = Parser::new(Source::new(text)?);
    let mut nodes: Vec<Node> = Vec::new();
    let mut anchors: HashMap<String, usize> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    let mut root = None;
    loop {
        let (event, mark) = parser.next()?;
        let (content, anchor) = match event {
            Event::DocumentStart => continue,
            Event::DocumentEnd | Event::StreamEnd => return Ok(Document { nodes, root }),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                continue;
            }
            Event::Alias(name) => {
                let target = anchors.get(&name).ok_or(mark.error("an alias without its anchor"))?;
                (Content::Alias(*target), None)
            }
            Event::Scalar { properties: Properties { anchor, tag }, value, is_implicit } => {
                (Content::Scalar { value, tag, is_implicit }, anchor)
            }
            Event::SequenceStart(properties) => (Content::Sequence(Vec::new()), properties.anchor),
            Event::MappingStart(properties) => (Content::Mapping(Vec::new()), properties.anchor),
        };
        let place = nodes.len();
        match open.last().and_then(|parent| nodes.get_mut(*parent)).map(|parent| &mut parent.content) {
            Some(Content::Sequence(children) | Content::Mapping(children)) => children.push(place),
            _ => root = Some(place),
        }
        if let Some(name) = anchor {
            anchors.insert(name, place);
        }
        if matches!(content, Content::Sequence(_) | Content::Mapping(_)) {
            open.push(place);
            if open.len() > MAX_DEPTH {
                return Err(YamlError::TooLarge);
            }
        }
        nodes.push(Node { mark, content });
        if nodes.len() > MAX_NODES {
            return Err(YamlError::TooLarge);
        }
    }
}
