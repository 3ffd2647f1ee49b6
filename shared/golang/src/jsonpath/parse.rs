//! Words to a path. Source: `parse.go` of jsonpath, and `parse.go` of gval with its base language alone.

use super::path::{Node, Step};
use super::scan::{Scanner, Token};
use super::{DEEPEST, LONGEST, PathError, eval};
use crate::json::Tree;
use crate::literal::{unquote, unquote_rune};
use crate::number::{FloatBits, parse_float};

/// Reads a whole path.
pub(super) fn parse(text: &str) -> Result<Node, PathError> {
    if text.len() > LONGEST {
        return Err(PathError::TooLong);
    }
    let mut parser = Parser { scanner: Scanner::of(text), last: Token::End, is_back: false, depth: 0 };
    let node = parser.expression()?;
    match parser.next() {
        Token::End => Ok(node),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'t> {
    scanner: Scanner<'t>,
    last: Token<'t>,
    /// Whether the last word is to be read once more.
    is_back: bool,
    depth: usize,
}

/// What stands between brackets.
enum Bracket {
    Star,
    Filter(Node),
    Slice(Vec<Node>),
    Keys(Vec<Node>),
}

/// The end of a slice that names none.
const FAR: f64 = i32::MAX as f64;

impl<'t> Parser<'t> {
    fn next(&mut self) -> Token<'t> {
        if !std::mem::take(&mut self.is_back) {
            self.last = self.scanner.token();
        }
        self.last
    }

    fn back(&mut self) {
        self.is_back = true;
    }

    fn unexpected(&self) -> PathError {
        PathError::Syntax(self.scanner.at())
    }

    fn expect(&mut self, sign: char) -> Result<(), PathError> {
        if self.next() == Token::Sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Operands with `==` or `!=` between them, from left to right.
    fn expression(&mut self) -> Result<Node, PathError> {
        let mut left = self.operand()?;
        while let Some(wanted) = self.operator()? {
            let right = self.operand()?;
            let is_constant = left.is_constant() && right.is_constant();
            let both = Node::Equal { left: Box::new(left), right: Box::new(right), wanted };
            left = if is_constant { self.folded(&both)? } else { both };
        }
        Ok(left)
    }

    /// Whether equal operands are wanted; `None` where no operator stands.
    fn operator(&mut self) -> Result<Option<bool>, PathError> {
        let Token::Sign(first) = self.next() else {
            self.back();
            return Ok(None);
        };
        let mut operator = String::from(first);
        while is_symbol(first)
            && let Some(sign) = self.scanner.peek()
            && OPERATORS
                .iter()
                .any(|known| known.strip_prefix(operator.as_str()).is_some_and(|rest| rest.starts_with(sign)))
        {
            operator.push(sign);
            self.scanner.skip();
        }
        match operator.as_str() {
            "==" => Ok(Some(true)),
            "!=" => Ok(Some(false)),
            // gval knows it, and jsonpath leaves it out of its language.
            _ if operator.len() > first.len_utf8() => Err(self.unexpected()),
            _ => {
                self.back();
                Ok(None)
            }
        }
    }

    fn operand(&mut self) -> Result<Node, PathError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(PathError::TooDeep);
        }
        let operand = self.one();
        self.depth -= 1;
        operand
    }

    fn one(&mut self) -> Result<Node, PathError> {
        match self.next() {
            Token::Number(text) => {
                let number = parse_float(text, FloatBits::B64).map_err(|_| self.unexpected())?;
                Ok(Node::Constant(Tree::Float(number)))
            }
            Token::Quoted(text) => {
                let text = literal(text.as_bytes()).ok_or_else(|| self.unexpected())?;
                Ok(Node::Constant(Tree::Text(text)))
            }
            Token::Ident("true") => Ok(Node::Constant(Tree::Bool(true))),
            Token::Ident("false") => Ok(Node::Constant(Tree::Bool(false))),
            Token::Ident(name) => self.variable(name),
            Token::Sign('-') => {
                let of = self.operand()?;
                let is_constant = of.is_constant();
                let negative = Node::Negative(Box::new(of));
                if is_constant { self.folded(&negative) } else { Ok(negative) }
            }
            Token::Sign('(') => {
                let inner = self.expression()?;
                self.expect(')')?;
                Ok(inner)
            }
            Token::Sign('$') => self.path(Vec::new()),
            Token::Sign('@') => self.path(vec![Step::Current]),
            Token::Sign(_) | Token::End => Err(self.unexpected()),
        }
    }

    /// What constants give is known here and now, and so is that they give nothing.
    fn folded(&self, node: &Node) -> Result<Node, PathError> {
        eval::constant(node).map(Node::Constant).ok_or_else(|| self.unexpected())
    }

    fn variable(&mut self, name: &str) -> Result<Node, PathError> {
        let mut keys = vec![named(name)];
        loop {
            match self.next() {
                Token::Sign('.') => match self.next() {
                    Token::Ident(name) => keys.push(named(name)),
                    _ => return Err(self.unexpected()),
                },
                Token::Sign('[') => {
                    keys.push(self.expression()?);
                    self.expect(']')?;
                }
                Token::Sign('(') => {
                    self.arguments()?;
                    return Ok(Node::Call);
                }
                _ => {
                    self.back();
                    return Ok(Node::Variable(keys));
                }
            }
        }
    }

    fn arguments(&mut self) -> Result<(), PathError> {
        if self.next() == Token::Sign(')') {
            return Ok(());
        }
        self.back();
        loop {
            self.expression()?;
            match self.next() {
                Token::Sign(')') => return Ok(()),
                Token::Sign(',') => {}
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn path(&mut self, mut steps: Vec<Step>) -> Result<Node, PathError> {
        loop {
            match self.next() {
                Token::Sign('.') => match self.next() {
                    Token::Ident(name) => steps.push(Step::Select(named(name))),
                    Token::Sign('*') => steps.push(Step::Star),
                    Token::Sign('.') => {
                        steps.push(Step::Descend);
                        steps.push(self.below()?);
                    }
                    _ => return Err(self.unexpected()),
                },
                Token::Sign('[') => steps.push(match self.bracket()? {
                    Bracket::Star => Step::Star,
                    Bracket::Filter(condition) => Step::Filter(condition),
                    Bracket::Slice(bounds) => slice(bounds).ok_or_else(|| self.unexpected())?,
                    Bracket::Keys(mut keys) => match keys.pop() {
                        Some(key) if keys.is_empty() => Step::Select(key),
                        last => Step::Several(keys.into_iter().chain(last).collect()),
                    },
                }),
                Token::Sign('(') => steps.push(self.script()?),
                _ => {
                    self.back();
                    return Ok(Node::Path(steps));
                }
            }
        }
    }

    /// What stands behind `..`.
    fn below(&mut self) -> Result<Step, PathError> {
        match self.next() {
            Token::Ident(name) => Ok(Step::Select(named(name))),
            Token::Sign('*') => Ok(Step::Star),
            Token::Sign('(') => self.script(),
            Token::Sign('[') => match self.bracket()? {
                Bracket::Star => Ok(Step::Star),
                Bracket::Filter(condition) => Ok(Step::Filter(condition)),
                Bracket::Keys(keys) => Ok(Step::Several(keys)),
                Bracket::Slice(_) => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    fn script(&mut self) -> Result<Step, PathError> {
        let script = self.expression()?;
        self.expect(')')?;
        Ok(Step::Script(script))
    }

    fn bracket(&mut self) -> Result<Bracket, PathError> {
        let (mut keys, mut separator) = (Vec::new(), None);
        loop {
            let sign = match self.next() {
                Token::Sign('?') => '?',
                Token::Sign(':') => {
                    let bound = if keys.len() == 1 { FAR } else { 0.0 };
                    keys.push(Node::Constant(Tree::Float(bound)));
                    ':'
                }
                Token::Sign('*') => {
                    self.expect(']')?;
                    return Ok(Bracket::Star);
                }
                Token::Sign(']') if separator == Some(':') => ']',
                _ => {
                    self.back();
                    keys.push(self.expression()?);
                    match self.next() {
                        Token::Sign(sign) => sign,
                        _ => return Err(self.unexpected()),
                    }
                }
            };
            let first = *separator.get_or_insert(sign);
            match sign {
                ']' => break,
                ':' | ',' => {}
                '?' if keys.is_empty() => {}
                _ => return Err(self.unexpected()),
            }
            if first != sign {
                return Err(self.unexpected());
            }
        }
        match (separator, keys.len()) {
            (Some(':'), _) => Ok(Bracket::Slice(keys)),
            (Some('?'), 1) => keys.pop().map(Bracket::Filter).ok_or_else(|| self.unexpected()),
            (Some('?'), _) => Err(self.unexpected()),
            _ => Ok(Bracket::Keys(keys)),
        }
    }
}

/// From the first item to the last, one after the other, where nothing else is said; `None` with more than three bounds.
fn slice(bounds: Vec<Node>) -> Option<Step> {
    let defaults = [0.0, FAR, 1.0].map(|bound| Node::Constant(Tree::Float(bound)));
    let missing = defaults.into_iter().skip(bounds.len());
    let all: Vec<Node> = bounds.into_iter().chain(missing).collect();
    <[Node; 3]>::try_from(all).ok().map(|bounds| Step::Slice(Box::new(bounds)))
}

fn named(name: &str) -> Node {
    Node::Constant(Tree::Text(name.as_bytes().to_vec()))
}

/// Source: Go's `strconv.Unquote`, for which one character or none stands between single quotes.
fn literal(text: &[u8]) -> Option<Vec<u8>> {
    if !text.starts_with(b"'") {
        return unquote(text);
    }
    if text == b"''" {
        return Some(Vec::new());
    }
    let mut out = Vec::new();
    crate::unicode::push(&mut out, char::from_u32(unquote_rune(text)?)?);
    Some(out)
}

/// The operators of gval that jsonpath knows of, though it gives a meaning to two of them only.
const OPERATORS: [&str; 23] = [
    "??", "||", "&&", "==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in", "^", "&", "|", "<<", ">>", "+",
    "-", "*", "/", "%", "**",
];

fn is_symbol(sign: char) -> bool {
    OPERATORS.iter().any(|operator| operator.contains(sign))
}
