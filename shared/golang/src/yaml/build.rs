//! Nodes to trees: aliases are followed, mappings merged, keys made text.

use std::collections::BTreeMap;

use super::YamlError;
use super::compose::{Content, Document, Node};
use super::resolve::{Scalar, resolve};
use super::source::Mark;
use crate::json::strings::push_utf8;
use crate::json::{MAX_DEPTH, Tree};
use crate::number::{FloatBits, FloatFormat, format_float};

/// The bytes of text that one document may expand to.
const MAX_TEXT: usize = 8 << 20;
/// The nodes that one document may expand to.
const MAX_NODES: usize = 2 * super::compose::MAX_NODES;

/// What scalars become.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalars {
    /// Values with their types.
    Typed,
    /// In the outermost mapping, text as Go makes it of each type.
    Text,
}

pub(super) fn build(document: &Document, scalars: Scalars) -> Result<Tree, YamlError> {
    let Some(root) = document.root else { return Ok(Tree::Null) };
    let mut builder =
        Builder { document, active: Vec::new(), nodes: 0, aliased: 0, text: 0, nested: BTreeMap::new() };
    let tree = builder.value(root, scalars, 0)?;
    match builder.nested.values().next() {
        Some(mark) => Err(mark.error("a list or mapping where text is wanted; put it in quotes")),
        None => Ok(tree),
    }
}

struct Builder<'d> {
    document: &'d Document,
    /// The nodes that are being expanded through aliases.
    active: Vec<usize>,
    nodes: usize,
    /// How many of the nodes were reached through aliases.
    aliased: usize,
    text: usize,
    /// Where lists and mappings stand that should be text, by key; a later text under the same key makes up for them.
    nested: BTreeMap<Vec<u8>, Mark>,
}

impl<'d> Builder<'d> {
    /// Counts a node against the limits.
    fn visit(&mut self, place: usize, depth: usize) -> Result<&'d Node, YamlError> {
        self.nodes += 1;
        self.aliased += usize::from(!self.active.is_empty());
        let excessive = self.aliased > 100
            && self.nodes > 1_000
            && self.aliased as f64 / self.nodes as f64 > allowed_share(self.nodes);
        if excessive || depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(YamlError::TooLarge);
        }
        // Places come from the same document, so there is always a node.
        self.document.nodes.get(place).ok_or(YamlError::TooLarge)
    }

    fn value(&mut self, place: usize, scalars: Scalars, depth: usize) -> Result<Tree, YamlError> {
        let node = self.visit(place, depth)?;
        match &node.content {
            Content::Alias(target) => {
                self.alias(node, *target, |this| this.value(*target, scalars, depth + 1))
            }
            Content::Scalar { value, tag, is_implicit } => {
                let scalar = resolve(value, tag, *is_implicit, node.mark)?;
                Ok(match scalar {
                    Scalar::Null => Tree::Null,
                    Scalar::Bool(value) => Tree::Bool(value),
                    Scalar::Int(value) => Tree::Int(value),
                    Scalar::Uint(value) => Tree::Uint(value),
                    Scalar::Float(value) if value.is_finite() => Tree::Float(value),
                    Scalar::Float(_) => return Err(node.mark.error("a number that JSON cannot hold")),
                    Scalar::Text(text) => Tree::Text(self.utf8(&text)?),
                    Scalar::Timestamp => Tree::Text(self.utf8(value.as_bytes())?),
                })
            }
            Content::Sequence(children) => {
                let items = children.iter().map(|child| self.value(*child, Scalars::Typed, depth + 1));
                items.collect::<Result<_, _>>().map(Tree::List)
            }
            Content::Mapping(children) => {
                let mut members = BTreeMap::new();
                self.members(children, &mut members, scalars, depth)?;
                Ok(Tree::Map(members))
            }
        }
    }

    /// Follows an alias, which must not lead back to where it stands.
    fn alias<T>(
        &mut self,
        node: &Node,
        target: usize,
        follow: impl FnOnce(&mut Self) -> Result<T, YamlError>,
    ) -> Result<T, YamlError> {
        if self.active.contains(&target) {
            return Err(node.mark.error("an anchor whose value contains itself"));
        }
        self.active.push(target);
        let followed = follow(self);
        self.active.pop();
        followed
    }

    /// Reads the members of a mapping; of equal keys the last wins, merged ones included.
    fn members(
        &mut self,
        children: &[usize],
        out: &mut BTreeMap<Vec<u8>, Tree>,
        scalars: Scalars,
        depth: usize,
    ) -> Result<(), YamlError> {
        for pair in children.chunks_exact(2) {
            if self.is_merge(pair[0]) {
                self.merge(pair[1], out, scalars, depth + 1)?;
                continue;
            }
            let key = self.key(pair[0], depth + 1)?;
            let value = match (scalars, self.nested_mark(pair[1])) {
                (Scalars::Typed, _) => self.value(pair[1], Scalars::Typed, depth + 1)?,
                (Scalars::Text, None) => {
                    self.nested.remove(&key);
                    Tree::Text(self.text(pair[1], depth + 1)?)
                }
                (Scalars::Text, Some(mark)) => {
                    self.nested.insert(key.clone(), mark);
                    self.value(pair[1], Scalars::Typed, depth + 1)?
                }
            };
            out.insert(key, value);
        }
        Ok(())
    }

    /// Where the list or mapping stands, if the node is one.
    fn nested_mark(&self, place: usize) -> Option<Mark> {
        let node = self.document.nodes.get(place)?;
        let target = match node.content {
            Content::Alias(target) => self.document.nodes.get(target)?,
            _ => node,
        };
        matches!(target.content, Content::Sequence(_) | Content::Mapping(_)).then_some(node.mark)
    }

    fn is_merge(&self, place: usize) -> bool {
        match self.document.nodes.get(place).map(|node| &node.content) {
            Some(Content::Scalar { value, tag, is_implicit }) => {
                value == "<<" && (*is_implicit || tag == b"tag:yaml.org,2002:merge")
            }
            _ => false,
        }
    }

    /// Puts the members of a mapping, or of a list of mappings of which the first counts most, into another.
    fn merge(
        &mut self,
        place: usize,
        out: &mut BTreeMap<Vec<u8>, Tree>,
        scalars: Scalars,
        depth: usize,
    ) -> Result<(), YamlError> {
        if let Some(Node { content: Content::Sequence(children), .. }) = self.document.nodes.get(place) {
            return children
                .iter()
                .rev()
                .try_for_each(|child| self.merge_mapping(*child, out, scalars, depth + 1));
        }
        self.merge_mapping(place, out, scalars, depth)
    }

    fn merge_mapping(
        &mut self,
        place: usize,
        out: &mut BTreeMap<Vec<u8>, Tree>,
        scalars: Scalars,
        depth: usize,
    ) -> Result<(), YamlError> {
        let node = self.visit(place, depth)?;
        match &node.content {
            Content::Mapping(children) => self.members(children, out, scalars, depth),
            Content::Alias(target) => match self.document.nodes.get(*target).map(|node| &node.content) {
                Some(Content::Mapping(children)) => self.alias(node, *target, |this| {
                    this.visit(*target, depth)?;
                    this.members(children, out, scalars, depth + 1)
                }),
                _ => Err(node.mark.error("a merge key without a mapping")),
            },
            _ => Err(node.mark.error("a merge key without a mapping")),
        }
    }

    /// A key as text.
    fn key(&mut self, place: usize, depth: usize) -> Result<Vec<u8>, YamlError> {
        let node = self.visit(place, depth)?;
        match &node.content {
            Content::Alias(target) => self.alias(node, *target, |this| this.key(*target, depth + 1)),
            Content::Scalar { value, tag, is_implicit } => {
                let key = match resolve(value, tag, *is_implicit, node.mark)? {
                    Scalar::Null => return Err(node.mark.error("a key that is null")),
                    Scalar::Uint(_) => return Err(node.mark.error("a key that is too great a number")),
                    Scalar::Float(value) => match short_float(value).as_str() {
                        "+Inf" => ".inf".to_owned(),
                        "-Inf" => "-.inf".to_owned(),
                        "NaN" => ".nan".to_owned(),
                        number => number.to_owned(),
                    },
                    Scalar::Bool(value) => value.to_string(),
                    Scalar::Int(value) => value.to_string(),
                    Scalar::Text(text) => return self.utf8(&text),
                    Scalar::Timestamp => value.clone(),
                };
                self.utf8(key.as_bytes())
            }
            Content::Sequence(_) | Content::Mapping(_) => {
                Err(node.mark.error("a key that is a list or mapping"))
            }
        }
    }

    /// A value as text, the way Go makes it a string.
    fn text(&mut self, place: usize, depth: usize) -> Result<Vec<u8>, YamlError> {
        let node = self.visit(place, depth)?;
        match &node.content {
            Content::Alias(target) => self.alias(node, *target, |this| this.text(*target, depth + 1)),
            Content::Scalar { value, tag, is_implicit } => {
                match resolve(value, tag, *is_implicit, node.mark)? {
                    Scalar::Null => Ok(Vec::new()),
                    Scalar::Bool(value) => Ok(value.to_string().into_bytes()),
                    Scalar::Int(value) => Ok(value.to_string().into_bytes()),
                    Scalar::Uint(value) => Ok(value.to_string().into_bytes()),
                    Scalar::Float(value) => Ok(short_float(value).into_bytes()),
                    Scalar::Text(text) => self.utf8(&text),
                    Scalar::Timestamp => self.utf8(value.as_bytes()),
                }
            }
            Content::Sequence(_) | Content::Mapping(_) => {
                Err(node.mark.error("a list or mapping where text is wanted; put it in quotes"))
            }
        }
    }

    /// Copies text, with U+FFFD for what is not UTF-8, which only `!!binary` can bring in.
    fn utf8(&mut self, text: &[u8]) -> Result<Vec<u8>, YamlError> {
        self.text += text.len();
        if self.text > MAX_TEXT {
            return Err(YamlError::TooLarge);
        }
        let mut out = Vec::with_capacity(text.len());
        push_utf8(&mut out, text);
        Ok(out)
    }
}

/// The share of nodes that may come from aliases: most in small documents, few in great ones.
fn allowed_share(nodes: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    0.99 - 0.89 * ((nodes as f64 - LOW) / (HIGH - LOW)).clamp(0.0, 1.0)
}

/// A float in single precision, which is how Go makes text of it here.
fn short_float(value: f64) -> String {
    format_float(value, FloatFormat::General, None, FloatBits::B32)
}
