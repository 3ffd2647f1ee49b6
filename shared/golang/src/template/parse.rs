//! Tokens into a tree. Everything that Go refuses when it parses is refused here, with its words and its line.

mod expression;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use super::lex::{Item, Lexer, Token};
use super::node::{Branch, ListId, Node, NodeKind, Tree};
use super::{Functions, Options, ParseError, stack};
use crate::literal;
use tokens::Tokens;

/// Parses the text into the templates that it holds; the main one has the given name.
pub(super) fn parse(name: &str, text: &[u8], options: &Options<'_>) -> Result<Tree, ParseError> {
    let left = if options.left.is_empty() { "{{" } else { options.left };
    let right = if options.right.is_empty() { "}}" } else { options.right };
    let mut lexer = Lexer::new(text, left.as_bytes(), right.as_bytes());
    lexer.break_is_keyword = options.functions.get("break").is_none();
    lexer.continue_is_keyword = options.functions.get("continue").is_none();
    let mut parser = Parser {
        name,
        tokens: Tokens::new(lexer),
        functions: options.functions,
        max_depth: options.limits.nesting,
        max_parts: options.limits.parts,
        tree: Tree::default(),
        scope: Scope::default(),
        depth: 0,
    };
    let main = parser.main()?;
    parser.add(name.as_bytes().to_vec(), main)?;
    Ok(parser.tree)
}

/// What a template does not share with the template around it.
struct Scope {
    variables: Variables,
    ranges: usize,
    /// The line of the action that is being parsed.
    action_line: usize,
}

impl Default for Scope {
    fn default() -> Self {
        let mut variables = Variables::default();
        variables.declare(Arc::from("$"));
        Self { variables, ranges: 0, action_line: 0 }
    }
}

/// The variables that are declared here, in order, and found by name: a template may have tens of thousands.
#[derive(Default)]
struct Variables {
    declared: Vec<Arc<str>>,
    times: HashMap<Arc<str>, usize>,
}

impl Variables {
    fn declare(&mut self, name: Arc<str>) {
        *self.times.entry(name.clone()).or_default() += 1;
        self.declared.push(name);
    }

    fn find(&self, name: &str) -> Option<Arc<str>> {
        self.times.get_key_value(name).map(|(known, _)| known.clone())
    }

    /// Forgets all but the first so many.
    fn truncate(&mut self, count: usize) {
        for name in self.declared.drain(count.min(self.declared.len())..) {
            if let Some(times) = self.times.get_mut(&name) {
                *times -= 1;
                if *times == 0 {
                    self.times.remove(&name);
                }
            }
        }
    }
}

struct Parser<'a> {
    name: &'a str,
    tokens: Tokens<'a>,
    functions: &'a Functions,
    max_depth: usize,
    max_parts: usize,
    tree: Tree,
    scope: Scope,
    depth: usize,
}

/// What ends a list.
enum Ending {
    End,
    Else,
}

impl Ending {
    fn text(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Parsed {
    Node(Node),
    Ending(Ending),
}

type Result<T, E = ParseError> = std::result::Result<T, E>;

impl<'a> Parser<'a> {
    fn main(&mut self) -> Result<ListId> {
        let mut nodes = Vec::new();
        loop {
            match self.tokens.peek().token {
                Token::Eof => return Ok(self.list(nodes)),
                Token::LeftDelim => {
                    let delim = self.tokens.next();
                    let word = self.tokens.next_non_space();
                    if word.token == Token::Define {
                        self.definition()?;
                        continue;
                    }
                    self.tokens.give_back(word);
                    self.tokens.give_back(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Parsed::Node(node) => nodes.push(node),
                Parsed::Ending(ending) => return self.fail(format!("unexpected {}", ending.text())),
            }
        }
    }

    fn list(&mut self, mut nodes: Vec<Node>) -> ListId {
        nodes.shrink_to_fit();
        self.tree.lists.push(nodes);
        self.tree.lists.len() - 1
    }

    /// Adds a template. A second one of the same name may only replace an empty one.
    fn add(&mut self, name: Vec<u8>, body: ListId) -> Result<()> {
        let empty = |list: ListId| {
            self.tree.lists[list].iter().all(|node| match &node.kind {
                NodeKind::Text(text) => crate::unicode::trim_space(text).is_empty(),
                _ => false,
            })
        };
        match self.tree.templates.get(&name) {
            Some(old) if !empty(*old) && !empty(body) => {
                let shown = shown(&literal::quote(&name));
                self.fail(format!("template: multiple definition of template {shown}"))
            }
            Some(old) if !empty(*old) => Ok(()),
            _ => {
                self.tree.templates.insert(name, body);
                Ok(())
            }
        }
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        self.part()?;
        let outer = std::mem::take(&mut self.scope);
        let name = self.template_name(CONTEXT)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        let (body, ending) = self.item_list()?;
        if let Ending::Else = ending {
            return self.fail(format!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.add(name, body)?;
        self.scope = outer;
        Ok(())
    }

    fn item_list(&mut self) -> Result<(ListId, Ending)> {
        let mut nodes = Vec::new();
        while self.tokens.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Parsed::Node(node) => nodes.push(node),
                Parsed::Ending(ending) => return Ok((self.list(nodes), ending)),
            }
        }
        self.fail("unexpected EOF".to_owned())
    }

    fn text_or_action(&mut self) -> Result<Parsed> {
        let item = self.tokens.next_non_space();
        match item.token {
            Token::Text => Ok(Parsed::Node(Node { at: item.at, kind: NodeKind::Text(Arc::from(item.text)) })),
            Token::LeftDelim => {
                self.scope.action_line = item.line;
                let parsed = self.nested(Self::action)?;
                self.scope.action_line = 0;
                Ok(parsed)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Result<Parsed> {
        let item = self.tokens.next_non_space();
        let kind = match item.token {
            Token::Block => return self.block(),
            Token::Break => self.jump("break", NodeKind::Break)?,
            Token::Continue => self.jump("continue", NodeKind::Continue)?,
            Token::Else => {
                let next = self.tokens.peek_non_space().token;
                if next != Token::If && next != Token::With {
                    self.expect(Token::RightDelim, "else")?;
                }
                return Ok(Parsed::Ending(Ending::Else));
            }
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Parsed::Ending(Ending::End));
            }
            Token::If | Token::With | Token::Range => return Ok(Parsed::Node(self.control(item.token)?)),
            Token::Template => return self.template_call(),
            _ => {
                self.tokens.give_back(item);
                let at = self.tokens.peek().at;
                let pipe = self.pipeline("command", Token::RightDelim)?;
                return Ok(Parsed::Node(Node { at, kind: NodeKind::Action(pipe) }));
            }
        };
        Ok(Parsed::Node(Node { at: item.at, kind }))
    }

    fn jump(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind> {
        let item = self.tokens.next_non_space();
        if item.token != Token::RightDelim {
            return self.unexpected(&item, &format!("{{{{{word}}}}}"));
        }
        if self.scope.ranges == 0 {
            return self.fail(format!("{{{{{word}}}}} outside {{{{range}}}}"));
        }
        Ok(kind)
    }

    /// `if`, `with` or `range` up to its end.
    fn control(&mut self, token: Token) -> Result<Node> {
        let context = match token {
            Token::If => "if",
            Token::With => "with",
            _ => "range",
        };
        let variables = self.scope.variables.declared.len();
        let pipe = self.pipeline(context, Token::RightDelim)?;
        self.scope.ranges += usize::from(token == Token::Range);
        let (body, ending) = self.item_list()?;
        self.scope.ranges -= usize::from(token == Token::Range);
        let otherwise = match ending {
            Ending::End => None,
            // "else if" closes with the one end that the chain has.
            Ending::Else if token != Token::Range && self.tokens.peek().token == token => {
                self.tokens.next();
                let node = self.nested(|parser| parser.control(token))?;
                Some(self.list(vec![node]))
            }
            Ending::Else => {
                let (list, ending) = self.item_list()?;
                if let Ending::Else = ending {
                    return self.fail(format!("expected end; found {}", ending.text()));
                }
                Some(list)
            }
        };
        self.scope.variables.truncate(variables);
        let branch = Branch { pipe, body, otherwise };
        let kind = match token {
            Token::If => NodeKind::If(branch),
            Token::With => NodeKind::With(branch),
            _ => NodeKind::Range(branch),
        };
        Ok(Node { at: self.tree.pipes[pipe].at, kind })
    }

    fn block(&mut self) -> Result<Parsed> {
        const CONTEXT: &str = "block clause";
        let at = self.tokens.peek_non_space().at;
        let name = self.template_name(CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        let outer = std::mem::take(&mut self.scope);
        let (body, ending) = self.item_list()?;
        if let Ending::Else = ending {
            return self.fail(format!("unexpected {} in {CONTEXT}", ending.text()));
        }
        self.add(name.clone(), body)?;
        self.scope = outer;
        Ok(Parsed::Node(Node { at, kind: NodeKind::Template { name, pipe: Some(pipe) } }))
    }

    fn template_call(&mut self) -> Result<Parsed> {
        const CONTEXT: &str = "template clause";
        let at = self.tokens.peek_non_space().at;
        let name = self.template_name(CONTEXT)?;
        let item = self.tokens.next_non_space();
        let mut pipe = None;
        if item.token != Token::RightDelim {
            self.tokens.give_back(item);
            pipe = Some(self.pipeline(CONTEXT, Token::RightDelim)?);
        }
        Ok(Parsed::Node(Node { at, kind: NodeKind::Template { name, pipe } }))
    }

    fn template_name(&mut self, context: &str) -> Result<Vec<u8>> {
        let item = self.tokens.next_non_space();
        match item.token {
            Token::String | Token::RawString => self.unquoted(&item),
            _ => self.unexpected(&item, context),
        }
    }

    fn unquoted(&self, item: &Item<'a>) -> Result<Vec<u8>> {
        literal::unquote(item.text).map_or_else(|| self.fail("invalid syntax".to_owned()), Ok)
    }

    /// Counts an operand, a pipeline or a list.
    fn part(&mut self) -> Result<()> {
        self.tree.parts += 1;
        if self.tree.parts > self.max_parts {
            return self.fail("the template has too many parts; make several of it".to_owned());
        }
        Ok(())
    }

    /// Parses one level deeper.
    fn nested<T: Send>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T> + Send) -> Result<T> {
        if self.depth >= self.max_depth {
            return self.fail("max expression depth exceeded".to_owned());
        }
        let depth = self.depth;
        self.depth += 1;
        let parsed = stack::level(depth, || parse(self));
        self.depth = depth;
        parsed.unwrap_or_else(|| self.fail("no stack left to parse deeper".to_owned()))
    }

    fn expect(&mut self, token: Token, context: &str) -> Result<Item<'a>> {
        let item = self.tokens.next_non_space();
        if item.token == token { Ok(item) } else { self.unexpected(&item, context) }
    }

    fn unexpected<T>(&self, item: &Item<'a>, context: &str) -> Result<T> {
        if item.token != Token::Error {
            return self.fail(format!("unexpected {item} in {context}"));
        }
        let line = self.scope.action_line;
        if line == 0 || line == item.line {
            return self.fail(item.error.clone());
        }
        let action = if item.error.ends_with(" action") { "" } else { " in action" };
        self.fail(format!("{}{action} started at {}:{line}", item.error, self.name))
    }

    fn fail<T>(&self, message: String) -> Result<T> {
        Err(ParseError { name: self.name.to_owned(), line: self.tokens.last_line, message })
    }
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
