//! Tokens into a tree. Everything that Go refuses when it parses is refused here, with its words and its line.

use std::sync::Arc;

use super::builtins::Builtin;
use super::lex::{Item, Lexer, Token};
use super::node::{
    Branch, Callee, Command, Function, ListId, Node, NodeKind, Operand, OperandKind, Pipe, PipeId, Tree,
};
use super::number::Number;
use super::{Functions, Options, ParseError, stack};
use crate::literal;

/// Parses the text into the templates that it holds; the main one has the given name.
pub(super) fn parse(name: &str, text: &[u8], options: &Options<'_>) -> Result<Tree, ParseError> {
    let left = if options.left.is_empty() { "{{" } else { options.left };
    let right = if options.right.is_empty() { "}}" } else { options.right };
    let mut lexer = Lexer::new(text, left.as_bytes(), right.as_bytes());
    lexer.break_is_keyword = options.functions.get("break").is_none();
    lexer.continue_is_keyword = options.functions.get("continue").is_none();
    let mut parser = Parser {
        name,
        lexer,
        functions: options.functions,
        max_depth: options.limits.nesting,
        tree: Tree::default(),
        last_line: 1,
        ahead: Vec::with_capacity(3),
        scope: Scope::default(),
        depth: 0,
    };
    let main = parser.main()?;
    parser.add(name.as_bytes().to_vec(), main)?;
    Ok(parser.tree)
}

/// What a template does not share with the template around it.
struct Scope {
    variables: Vec<Arc<str>>,
    ranges: usize,
    /// The line of the action that is being parsed.
    action_line: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { variables: vec![Arc::from("$")], ranges: 0, action_line: 0 }
    }
}

struct Parser<'a> {
    name: &'a str,
    lexer: Lexer<'a>,
    functions: &'a Functions,
    max_depth: usize,
    tree: Tree,
    /// The line of the token that was read last, which is the one that Go reports.
    last_line: usize,
    /// Tokens that were read and given back, the next one last.
    ahead: Vec<Item<'a>>,
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
            match self.peek().token {
                Token::Eof => return Ok(self.list(nodes)),
                Token::LeftDelim => {
                    let delim = self.next();
                    let word = self.next_non_space();
                    if word.token == Token::Define {
                        self.definition()?;
                        continue;
                    }
                    self.ahead.push(word);
                    self.ahead.push(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Parsed::Node(node) => nodes.push(node),
                Parsed::Ending(ending) => return self.fail(format!("unexpected {}", ending.text())),
            }
        }
    }

    fn list(&mut self, nodes: Vec<Node>) -> ListId {
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
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Parsed::Node(node) => nodes.push(node),
                Parsed::Ending(ending) => return Ok((self.list(nodes), ending)),
            }
        }
        self.fail("unexpected EOF".to_owned())
    }

    fn text_or_action(&mut self) -> Result<Parsed> {
        let item = self.next_non_space();
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
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Block => return self.block(),
            Token::Break => self.jump("break", NodeKind::Break)?,
            Token::Continue => self.jump("continue", NodeKind::Continue)?,
            Token::Else => {
                let next = self.peek_non_space().token;
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
                self.ahead.push(item);
                let at = self.peek().at;
                let pipe = self.pipeline("command", Token::RightDelim)?;
                return Ok(Parsed::Node(Node { at, kind: NodeKind::Action(pipe) }));
            }
        };
        Ok(Parsed::Node(Node { at: item.at, kind }))
    }

    fn jump(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind> {
        let item = self.next_non_space();
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
        let variables = self.scope.variables.len();
        let pipe = self.pipeline(context, Token::RightDelim)?;
        self.scope.ranges += usize::from(token == Token::Range);
        let (body, ending) = self.item_list()?;
        self.scope.ranges -= usize::from(token == Token::Range);
        let otherwise = match ending {
            Ending::End => None,
            // "else if" closes with the one end that the chain has.
            Ending::Else if token != Token::Range && self.peek().token == token => {
                self.next();
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
        let at = self.peek_non_space().at;
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
        let at = self.peek_non_space().at;
        let name = self.template_name(CONTEXT)?;
        let item = self.next_non_space();
        let mut pipe = None;
        if item.token != Token::RightDelim {
            self.ahead.push(item);
            pipe = Some(self.pipeline(CONTEXT, Token::RightDelim)?);
        }
        Ok(Parsed::Node(Node { at, kind: NodeKind::Template { name, pipe } }))
    }

    fn template_name(&mut self, context: &str) -> Result<Vec<u8>> {
        let item = self.next_non_space();
        match item.token {
            Token::String | Token::RawString => self.unquoted(&item),
            _ => self.unexpected(&item, context),
        }
    }

    fn unquoted(&self, item: &Item<'a>) -> Result<Vec<u8>> {
        literal::unquote(item.text).map_or_else(|| self.fail("invalid syntax".to_owned()), Ok)
    }

    fn pipeline(&mut self, context: &str, end: Token) -> Result<PipeId> {
        let at = self.peek_non_space().at;
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.ahead.push(item);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            use OperandKind::{Bool, Dot, Nil, Number, Text};
            if matches!(command.args[0].kind, Bool(_) | Dot | Nil | Number(_) | Text { .. }) {
                return self.fail(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        self.tree.pipes.push(pipe);
        Ok(self.tree.pipes.len() - 1)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        while self.peek_non_space().token == Token::Variable {
            let variable = self.next_non_space();
            let after = self.next();
            let (space, next) = match after.token {
                Token::Space => (Some(after), self.next_non_space()),
                _ => (None, after),
            };
            let comma = next.token == Token::Char && next.text == b",";
            if !comma && next.token != Token::Assign && next.token != Token::Declare {
                self.ahead.push(next);
                self.ahead.extend(space);
                self.ahead.push(variable);
                return Ok(());
            }
            let name: Arc<str> = Arc::from(&*String::from_utf8_lossy(variable.text));
            pipe.variables.push(name.clone());
            self.scope.variables.push(name);
            if !comma {
                pipe.assigns = next.token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return self.fail(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_non_space().token, Token::Variable | Token::RightDelim | Token::RightParen)
            {
                return self.fail("range can only initialize variables".to_owned());
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command> {
        let at = self.peek_non_space().at;
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            args.extend(self.operand()?);
            let item = self.next();
            match item.token {
                Token::Space => {}
                Token::RightDelim | Token::RightParen => {
                    self.ahead.push(item);
                    break;
                }
                Token::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        if args.is_empty() {
            return self.fail("empty command".to_owned());
        }
        Ok(Command { at, args })
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.peek().token != Token::Field {
            return Ok(Some(operand));
        }
        let at = self.peek().at;
        let mut fields = Vec::new();
        while self.peek().token == Token::Field {
            fields.push(field_name(self.next().text));
        }
        match &mut operand.kind {
            OperandKind::Field(names) | OperandKind::Variable(names) => {
                names.append(&mut fields);
                operand.at = at;
                Ok(Some(operand))
            }
            OperandKind::Pipe(_) | OperandKind::Function(_) => {
                Ok(Some(Operand { at, kind: OperandKind::Chain { head: Box::new(operand), fields } }))
            }
            _ => {
                let text = super::node::Shown(&self.tree, &operand).to_string();
                self.fail(format!("unexpected . after term {}", shown(&literal::quote(text.as_bytes()))))
            }
        }
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => OperandKind::Function(self.function(&item)?),
            Token::Dot => OperandKind::Dot,
            Token::Nil => OperandKind::Nil,
            Token::Variable => {
                let name = String::from_utf8_lossy(item.text);
                match self.scope.variables.iter().find(|variable| ***variable == name) {
                    Some(variable) => OperandKind::Variable(vec![variable.clone()]),
                    None => {
                        return self
                            .fail(format!("undefined variable {}", shown(&literal::quote(item.text))));
                    }
                }
            }
            Token::Field => OperandKind::Field(vec![field_name(item.text)]),
            Token::Bool => OperandKind::Bool(item.text == b"true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                match Number::parse(item.text, item.token) {
                    Ok(number) => OperandKind::Number(number),
                    Err(error) => return self.fail(error),
                }
            }
            Token::LeftParen => OperandKind::Pipe(
                self.nested(|parser| parser.pipeline("parenthesized pipeline", Token::RightParen))?,
            ),
            Token::String | Token::RawString => {
                OperandKind::Text { quoted: item.text.to_vec(), text: self.unquoted(&item)?.into() }
            }
            _ => {
                self.ahead.push(item);
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: item.at, kind }))
    }

    fn function(&self, item: &Item<'a>) -> Result<Function> {
        let name = String::from_utf8_lossy(item.text);
        let given = self.functions.get(&name).map(|func| Callee::Given(func.clone()));
        match given.or_else(|| Builtin::find(&name).map(Callee::Builtin)) {
            Some(callee) => Ok(Function { name: Arc::from(&*name), callee }),
            None => self.fail(format!("function {} not defined", shown(&literal::quote(item.text)))),
        }
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

    fn next(&mut self) -> Item<'a> {
        self.ahead.pop().unwrap_or_else(|| {
            let item = self.lexer.next_item();
            self.last_line = item.line;
            item
        })
    }

    fn peek(&mut self) -> Item<'a> {
        let item = self.next();
        self.ahead.push(item.clone());
        item
    }

    fn next_non_space(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'a> {
        let item = self.next_non_space();
        self.ahead.push(item.clone());
        item
    }

    fn expect(&mut self, token: Token, context: &str) -> Result<Item<'a>> {
        let item = self.next_non_space();
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
        Err(ParseError { name: self.name.to_owned(), line: self.last_line, message })
    }
}

fn field_name(text: &[u8]) -> Arc<str> {
    Arc::from(&*String::from_utf8_lossy(&text[1..]))
}

fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
