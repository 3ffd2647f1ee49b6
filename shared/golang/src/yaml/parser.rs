//! Tokens to events: where collections start and end, and which scalars are in them.

use super::YamlError;
use super::scanner::{Scanner, Token};
use super::source::{Mark, Source};
use crate::json::MAX_DEPTH;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    DocumentStart,
    DocumentEnd,
    StreamEnd,
    Alias(String),
    Scalar { properties: Properties, value: String, is_implicit: bool },
    SequenceStart(Properties),
    SequenceEnd,
    MappingStart(Properties),
    MappingEnd,
}

/// What stands before a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) anchor: Option<String>,
    /// The tag with its handle replaced; empty for none.
    pub(super) tag: Vec<u8>,
}

/// What the grammar expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    DocumentStart { is_first: bool },
    DocumentContent,
    DocumentEnd,
    End,
    BlockNode,
    BlockEntry,
    IndentlessEntry,
    BlockKey,
    BlockValue,
    FlowEntry { is_first: bool },
    FlowEntryKey,
    FlowEntryValue,
    FlowEntryEnd,
    FlowKey { is_first: bool },
    FlowValue { is_empty: bool },
}

pub(super) struct Parser {
    scanner: Scanner,
    state: State,
    /// What comes after the collections that are open.
    states: Vec<State>,
    /// Handles and prefixes of tags.
    handles: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Parser {
    pub(super) fn new(source: Source) -> Self {
        Self {
            scanner: Scanner::new(source),
            state: State::DocumentStart { is_first: true },
            states: Vec::new(),
            handles: Vec::new(),
        }
    }

    pub(super) fn next(&mut self) -> Result<(Event, Mark), YamlError> {
        match self.state {
            State::DocumentStart { is_first } => self.document_start(is_first),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::End => Ok((Event::StreamEnd, self.scanner.peek()?.1)),
            State::BlockNode => self.node(true, false),
            State::BlockEntry => self.block_entry(),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockKey => self.block_key(),
            State::BlockValue => self.block_value(),
            State::FlowEntry { is_first } => self.flow_entry(is_first),
            State::FlowEntryKey => self.flow_entry_key(),
            State::FlowEntryValue => self.flow_entry_value(),
            State::FlowEntryEnd => {
                self.state = State::FlowEntry { is_first: false };
                Ok((Event::MappingEnd, self.scanner.peek()?.1))
            }
            State::FlowKey { is_first } => self.flow_key(is_first),
            State::FlowValue { is_empty } => self.flow_value(is_empty),
        }
    }

    fn token(&mut self) -> Result<&Token, YamlError> {
        Ok(&self.scanner.peek()?.0)
    }

    /// Passes the next token, if it is that one.
    fn eat(&mut self, wanted: &Token) -> Result<bool, YamlError> {
        let found = self.token()? == wanted;
        if found {
            self.scanner.take()?;
        }
        Ok(found)
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Reads a node, and goes on with `then` behind it.
    fn node_then(
        &mut self,
        then: State,
        is_block: bool,
        is_indentless: bool,
    ) -> Result<(Event, Mark), YamlError> {
        if self.states.len() > MAX_DEPTH {
            return Err(YamlError::TooLarge);
        }
        self.states.push(then);
        self.node(is_block, is_indentless)
    }

    /// An empty scalar, where there is nothing; goes on with `then`.
    fn nothing(&mut self, then: State) -> Result<(Event, Mark), YamlError> {
        self.state = then;
        let mark = self.scanner.peek()?.1;
        Ok((
            Event::Scalar { properties: Properties::default(), value: String::new(), is_implicit: true },
            mark,
        ))
    }

    fn document_start(&mut self, is_first: bool) -> Result<(Event, Mark), YamlError> {
        while !is_first && self.eat(&Token::DocumentEnd)? {}
        let mark = self.scanner.peek()?.1;
        match self.token()? {
            Token::StreamEnd => {
                self.state = State::End;
                return Ok((Event::StreamEnd, mark));
            }
            Token::Version(..) | Token::TagDirective(..) | Token::DocumentStart => {}
            _ if !is_first => {}
            _ => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                return Ok((Event::DocumentStart, mark));
            }
        }
        self.directives()?;
        let mark = self.scanner.peek()?.1;
        if !self.eat(&Token::DocumentStart)? {
            return Err(mark.error("a document without '---' behind another one or behind directives"));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok((Event::DocumentStart, mark))
    }

    fn directives(&mut self) -> Result<(), YamlError> {
        let mut has_version = false;
        loop {
            let mark = self.scanner.peek()?.1;
            match self.token()?.clone() {
                Token::Version(major, minor) => {
                    if std::mem::replace(&mut has_version, true) || (major, minor) != (1, 1) {
                        return Err(mark.error("a second %YAML directive, or one that is not 1.1"));
                    }
                }
                Token::TagDirective(handle, prefix) => {
                    if self.handles.iter().any(|(known, _)| *known == handle) {
                        return Err(mark.error("a second %TAG directive for a handle"));
                    }
                    self.handles.push((handle, prefix));
                }
                _ => break,
            }
            self.scanner.take()?;
        }
        for (handle, prefix) in [(&b"!"[..], &b"!"[..]), (b"!!", b"tag:yaml.org,2002:")] {
            if !self.handles.iter().any(|(known, _)| known == handle) {
                self.handles.push((handle.to_vec(), prefix.to_vec()));
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Result<(Event, Mark), YamlError> {
        match self.token()? {
            Token::Version(..)
            | Token::TagDirective(..)
            | Token::DocumentStart
            | Token::DocumentEnd
            | Token::StreamEnd => {
                let then = self.states.pop().unwrap_or(State::End);
                self.nothing(then)
            }
            _ => self.node(true, false),
        }
    }

    fn document_end(&mut self) -> Result<(Event, Mark), YamlError> {
        let mark = self.scanner.peek()?.1;
        self.eat(&Token::DocumentEnd)?;
        self.handles.clear();
        self.state = State::DocumentStart { is_first: false };
        Ok((Event::DocumentEnd, mark))
    }

    fn node(&mut self, is_block: bool, is_indentless: bool) -> Result<(Event, Mark), YamlError> {
        let start = self.scanner.peek()?.1;
        if let Token::Alias(name) = self.token()?.clone() {
            self.scanner.take()?;
            self.pop_state();
            return Ok((Event::Alias(name), start));
        }
        let properties = self.properties()?;
        let has_properties = properties != Properties::default();
        let event = match self.token()? {
            Token::BlockEntry if is_indentless => {
                self.state = State::IndentlessEntry;
                return Ok((Event::SequenceStart(properties), start));
            }
            Token::Scalar { .. } => {
                let (token, _) = self.scanner.take()?;
                self.pop_state();
                let Token::Scalar { value, is_plain } = token else { return self.nothing(self.state) };
                let is_implicit = properties.tag.is_empty() && is_plain || properties.tag == b"!";
                return Ok((Event::Scalar { properties, value, is_implicit }, start));
            }
            Token::FlowSequenceStart => {
                self.state = State::FlowEntry { is_first: true };
                Event::SequenceStart(properties)
            }
            Token::FlowMappingStart => {
                self.state = State::FlowKey { is_first: true };
                Event::MappingStart(properties)
            }
            Token::BlockSequenceStart if is_block => {
                self.state = State::BlockEntry;
                Event::SequenceStart(properties)
            }
            Token::BlockMappingStart if is_block => {
                self.state = State::BlockKey;
                Event::MappingStart(properties)
            }
            _ if has_properties => {
                self.pop_state();
                let is_implicit = properties.tag.is_empty();
                return Ok((Event::Scalar { properties, value: String::new(), is_implicit }, start));
            }
            _ => return Err(self.scanner.peek()?.1.error("something else where a value should be")),
        };
        self.scanner.take()?;
        Ok((event, start))
    }

    /// An anchor and a tag, in any order, at most one of each.
    fn properties(&mut self) -> Result<Properties, YamlError> {
        let mut properties = Properties::default();
        let mut has_tag = false;
        loop {
            let mark = self.scanner.peek()?.1;
            match self.token()?.clone() {
                Token::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(name),
                Token::Tag(handle, suffix) if !has_tag => {
                    has_tag = true;
                    properties.tag = if handle.is_empty() {
                        suffix
                    } else {
                        let known = self.handles.iter().find(|(known, _)| *known == handle);
                        let (_, prefix) = known.ok_or(mark.error("a tag with an unknown handle"))?;
                        [prefix.as_slice(), &suffix].concat()
                    };
                }
                _ => return Ok(properties),
            }
            self.scanner.take()?;
        }
    }

    fn block_entry(&mut self) -> Result<(Event, Mark), YamlError> {
        let mark = self.scanner.peek()?.1;
        if self.eat(&Token::BlockEntry)? {
            return match self.token()? {
                Token::BlockEntry | Token::BlockEnd => self.nothing(State::BlockEntry),
                _ => self.node_then(State::BlockEntry, true, false),
            };
        }
        if !self.eat(&Token::BlockEnd)? {
            return Err(mark.error("something else where the next '-' of a list should be"));
        }
        self.pop_state();
        Ok((Event::SequenceEnd, mark))
    }

    /// Items of a list that is indented no deeper than the key it belongs to.
    fn indentless_entry(&mut self) -> Result<(Event, Mark), YamlError> {
        let mark = self.scanner.peek()?.1;
        if self.eat(&Token::BlockEntry)? {
            return match self.token()? {
                Token::BlockEntry | Token::Key | Token::Value | Token::BlockEnd => {
                    self.nothing(State::IndentlessEntry)
                }
                _ => self.node_then(State::IndentlessEntry, true, false),
            };
        }
        self.pop_state();
        Ok((Event::SequenceEnd, mark))
    }

    fn block_key(&mut self) -> Result<(Event, Mark), YamlError> {
        let mark = self.scanner.peek()?.1;
        if self.eat(&Token::Key)? {
            return match self.token()? {
                Token::Key | Token::Value | Token::BlockEnd => self.nothing(State::BlockValue),
                _ => self.node_then(State::BlockValue, true, true),
            };
        }
        if !self.eat(&Token::BlockEnd)? {
            return Err(mark.error("something else where the next key should be"));
        }
        self.pop_state();
        Ok((Event::MappingEnd, mark))
    }

    fn block_value(&mut self) -> Result<(Event, Mark), YamlError> {
        if self.eat(&Token::Value)? {
            return match self.token()? {
                Token::Key | Token::Value | Token::BlockEnd => self.nothing(State::BlockKey),
                _ => self.node_then(State::BlockKey, true, true),
            };
        }
        self.nothing(State::BlockKey)
    }

    fn flow_entry(&mut self, is_first: bool) -> Result<(Event, Mark), YamlError> {
        let mut mark = self.scanner.peek()?.1;
        if *self.token()? != Token::FlowSequenceEnd {
            if !is_first && !self.eat(&Token::FlowEntry)? {
                return Err(mark.error("something else where ',' or ']' should be"));
            }
            mark = self.scanner.peek()?.1;
            if self.eat(&Token::Key)? {
                self.state = State::FlowEntryKey;
                return Ok((Event::MappingStart(Properties::default()), mark));
            }
            if *self.token()? != Token::FlowSequenceEnd {
                return self.node_then(State::FlowEntry { is_first: false }, false, false);
            }
        }
        self.scanner.take()?;
        self.pop_state();
        Ok((Event::SequenceEnd, mark))
    }

    /// The key of a mapping of one member, which stands in a list without braces.
    fn flow_entry_key(&mut self) -> Result<(Event, Mark), YamlError> {
        match self.token()? {
            Token::Value | Token::FlowEntry | Token::FlowSequenceEnd => {
                // The token is passed over, as in the original.
                self.scanner.take()?;
                self.nothing(State::FlowEntryValue)
            }
            _ => self.node_then(State::FlowEntryValue, false, false),
        }
    }

    fn flow_entry_value(&mut self) -> Result<(Event, Mark), YamlError> {
        if self.eat(&Token::Value)? && !matches!(self.token()?, Token::FlowEntry | Token::FlowSequenceEnd) {
            return self.node_then(State::FlowEntryEnd, false, false);
        }
        self.nothing(State::FlowEntryEnd)
    }

    fn flow_key(&mut self, is_first: bool) -> Result<(Event, Mark), YamlError> {
        let mark = self.scanner.peek()?.1;
        if *self.token()? != Token::FlowMappingEnd {
            if !is_first && !self.eat(&Token::FlowEntry)? {
                return Err(mark.error("something else where ',' or '}' should be"));
            }
            if self.eat(&Token::Key)? {
                return match self.token()? {
                    Token::Value | Token::FlowEntry | Token::FlowMappingEnd => {
                        self.nothing(State::FlowValue { is_empty: false })
                    }
                    _ => self.node_then(State::FlowValue { is_empty: false }, false, false),
                };
            }
            if *self.token()? != Token::FlowMappingEnd {
                return self.node_then(State::FlowValue { is_empty: true }, false, false);
            }
        }
        self.scanner.take()?;
        self.pop_state();
        Ok((Event::MappingEnd, mark))
    }

    fn flow_value(&mut self, is_empty: bool) -> Result<(Event, Mark), YamlError> {
        let then = State::FlowKey { is_first: false };
        if !is_empty
            && self.eat(&Token::Value)?
            && !matches!(self.token()?, Token::FlowEntry | Token::FlowMappingEnd)
        {
            return self.node_then(then, false, false);
        }
        self.nothing(then)
    }
}
