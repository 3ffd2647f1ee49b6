//! What stands inside an action: pipelines of commands of operands.

use std::sync::Arc;

use super::{Parser, Result, shown};
use crate::literal;
use crate::template::builtins::Builtin;
use crate::template::lex::{Item, Token};
use crate::template::node::{Callee, Command, Function, Operand, OperandKind, Pipe, PipeId, Shown};
use crate::template::number::Number;

impl<'a> Parser<'a> {
    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Result<PipeId> {
        let at = self.tokens.peek_non_space().at;
        let mut pipe = Pipe { at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.part()?;
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.tokens.next_non_space();
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
                    self.tokens.give_back(item);
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
        // There are many, and most are short.
        pipe.commands.shrink_to_fit();
        self.tree.pipes.push(pipe);
        Ok(self.tree.pipes.len() - 1)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        while self.tokens.peek_non_space().token == Token::Variable {
            let variable = self.tokens.next_non_space();
            let after = self.tokens.next();
            let (space, next) = match after.token {
                Token::Space => (Some(after), self.tokens.next_non_space()),
                _ => (None, after),
            };
            let comma = next.token == Token::Char && next.text == b",";
            if !comma && next.token != Token::Assign && next.token != Token::Declare {
                self.tokens.give_back(next);
                if let Some(space) = space {
                    self.tokens.give_back(space);
                }
                self.tokens.give_back(variable);
                return Ok(());
            }
            let name: Arc<str> = Arc::from(&*String::from_utf8_lossy(variable.text));
            pipe.variables.push(name.clone());
            self.scope.variables.declare(name);
            if !comma {
                pipe.assigns = next.token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() > 1 {
                return self.fail(format!("too many declarations in {context}"));
            }
            if !matches!(
                self.tokens.peek_non_space().token,
                Token::Variable | Token::RightDelim | Token::RightParen
            ) {
                return self.fail("range can only initialize variables".to_owned());
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command> {
        let at = self.tokens.peek_non_space().at;
        let mut args = Vec::new();
        loop {
            self.tokens.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.part()?;
                args.push(operand);
            }
            let item = self.tokens.next();
            match item.token {
                Token::Space => {}
                Token::RightDelim | Token::RightParen => {
                    self.tokens.give_back(item);
                    break;
                }
                Token::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        if args.is_empty() {
            return self.fail("empty command".to_owned());
        }
        args.shrink_to_fit();
        Ok(Command { at, args })
    }

    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        if self.tokens.peek().token != Token::Field {
            return Ok(Some(operand));
        }
        let at = self.tokens.peek().at;
        let mut fields = Vec::new();
        while self.tokens.peek().token == Token::Field {
            self.part()?;
            fields.push(field_name(self.tokens.next().text));
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
                let text = Shown(&self.tree, &operand).to_string();
                self.fail(format!("unexpected . after term {}", shown(&literal::quote(text.as_bytes()))))
            }
        }
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let item = self.tokens.next_non_space();
        let kind = match item.token {
            Token::Identifier => OperandKind::Function(self.function(&item)?),
            Token::Dot => OperandKind::Dot,
            Token::Nil => OperandKind::Nil,
            Token::Variable => {
                let name = String::from_utf8_lossy(item.text);
                match self.scope.variables.find(&name) {
                    Some(variable) => OperandKind::Variable(vec![variable]),
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
                self.tokens.give_back(item);
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
}

fn field_name(text: &[u8]) -> Arc<str> {
    Arc::from(&*String::from_utf8_lossy(&text[1..]))
}
