//! The tokens of a template with as much lookahead as its grammar needs.

use crate::template::lex::{Item, Lexer, Token};

pub(super) struct Tokens<'a> {
    lexer: Lexer<'a>,
    /// The line of the token that was read last, which is the one that Go reports.
    pub(super) last_line: usize,
    /// Tokens that were given back, the next one last.
    ahead: Vec<Item<'a>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(lexer: Lexer<'a>) -> Self {
        Self { lexer, last_line: 1, ahead: Vec::with_capacity(3) }
    }

    pub(super) fn next(&mut self) -> Item<'a> {
        self.ahead.pop().unwrap_or_else(|| {
            let item = self.lexer.next_item();
            self.last_line = item.line;
            item
        })
    }

    pub(super) fn next_non_space(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    /// The next token, which stays there.
    pub(super) fn peek(&mut self) -> Item<'a> {
        let item = self.next();
        self.ahead.push(item.clone());
        item
    }

    /// The next token behind spaces, which are dropped.
    pub(super) fn peek_non_space(&mut self) -> Item<'a> {
        let item = self.next_non_space();
        self.ahead.push(item.clone());
        item
    }

    /// Puts a token back, to be the next one.
    pub(super) fn give_back(&mut self, item: Item<'a>) {
        self.ahead.push(item);
    }
}
