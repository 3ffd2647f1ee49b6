//! How scalars look in YAML: which quotes they need, and where long lines are folded.

use super::resolve::{Scalar, guess};
use super::source::is_break;

/// The column behind which a space becomes a line break.
const WIDTH: usize = 80;
/// The longest key, in bytes, that is written without a question mark.
const MAX_KEY: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

impl Style {
    /// The style that a text wants before its characters are looked at: quotes if it would be read as another type.
    pub(super) fn of_text(text: &str) -> Self {
        if text.contains('\n') {
            Self::Literal
        } else if matches!(guess(text), Scalar::Text(_)) && !is_base60(text) {
            Self::Plain
        } else {
            Self::DoubleQuoted
        }
    }
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`, a number in the notation of hours and minutes.
fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, fraction) =
        unsigned.split_once('.').map_or((unsigned, ""), |(number, fraction)| (number, fraction));
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let mut parts = number.split(':');
    let is_first = parts.next().is_some_and(|part| {
        part.starts_with(|sign: char| sign.is_ascii_digit()) && part.bytes().all(is_digit)
    });
    let mut count = 0;
    let are_sixtieths = parts.all(|part| {
        count += 1;
        matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
    });
    is_first && are_sixtieths && count > 0 && fraction.bytes().all(is_digit)
}

/// A scalar with the style that its characters allow.
pub(super) struct Layout<'t> {
    text: &'t str,
    style: Style,
    is_multiline: bool,
    is_key: bool,
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str, wanted: Style, is_key: bool) -> Self {
        let allowed = Allowed::analyze(text);
        let mut style = wanted;
        if is_key && allowed.is_multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && (!allowed.plain || text.is_empty() && is_key) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !allowed.single_quoted
            || style == Style::Literal && (!allowed.block || is_key)
        {
            style = Style::DoubleQuoted;
        }
        Self { text, style, is_multiline: allowed.is_multiline, is_key }
    }

    /// Whether the scalar can be a key without a question mark.
    pub(super) fn fits_key(&self) -> bool {
        !self.is_multiline && self.text.len() <= MAX_KEY
    }
}

/// The styles in which a text can be written so that it is read back as it is.
struct Allowed {
    is_multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Allowed {
    fn analyze(text: &str) -> Self {
        let signs: Vec<char> = text.chars().collect();
        let (Some(&first), Some(&last)) = (signs.first(), signs.last()) else {
            return Self { is_multiline: false, plain: true, single_quoted: true, block: false };
        };
        let is_blank = |sign: Option<&char>| matches!(sign, None | Some(' ' | '\t'));
        let mut has_indicators = text.starts_with("---") || text.starts_with("...");
        for (at, sign) in signs.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| signs[at]);
            let before_gap = before.is_none_or(|sign| matches!(sign, ' ' | '\t' | '\0') || is_break(sign));
            has_indicators |= match sign {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    at == 0
                }
                '#' => before_gap,
                ':' => is_blank(signs.get(at + 1)),
                '?' | '-' => at == 0 && is_blank(signs.get(at + 1)),
                _ => false,
            };
        }
        let pair = |wanted: fn(char, char) -> bool| signs.windows(2).any(|pair| wanted(pair[0], pair[1]));
        let break_space = pair(|one, two| is_break(one) && two == ' ');
        let space_break = pair(|one, two| one == ' ' && is_break(two));
        let is_special = space_break || !signs.iter().all(|sign| is_printable(*sign));
        let is_multiline = signs.iter().any(|sign| is_break(*sign));
        let has_edges = first == ' ' || last == ' ';
        Self {
            is_multiline,
            plain: !has_indicators && !is_multiline && !has_edges && !is_special,
            single_quoted: !break_space && !is_special,
            block: last != ' ' && !is_special,
        }
    }
}

/// What needs no escape. Characters beyond the 16 bit plane do.
fn is_printable(sign: char) -> bool {
    matches!(sign, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && sign != '\u{feff}'
}

/// The text that is being written.
pub(super) struct Writer {
    out: String,
    /// In characters.
    column: usize,
    /// -1 before the first collection.
    pub(super) indent: isize,
    /// Whether the last thing written separates words.
    is_whitespace: bool,
    /// Whether nothing but indentation and indicators stands on the line.
    pub(super) is_indention: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { out: String::new(), column: 0, indent: -1, is_whitespace: true, is_indention: true }
    }

    pub(super) fn finish(mut self) -> String {
        self.indent = -1;
        self.write_indent();
        self.out
    }

    pub(super) fn increase_indent(&mut self, keep: bool) {
        if self.indent < 0 {
            self.indent = 0;
        } else if !keep {
            self.indent += 2;
        }
    }

    pub(super) fn indicator(&mut self, text: &str, after_space: bool, is_indention: bool) {
        if after_space && !self.is_whitespace {
            self.put(' ');
        }
        text.chars().for_each(|sign| self.put(sign));
        self.is_whitespace = false;
        self.is_indention &= is_indention;
    }

    /// Goes to the indentation, on a new line unless there is only indentation on this one.
    pub(super) fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.is_indention || self.column > indent || self.column == indent && !self.is_whitespace {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.is_whitespace = true;
        self.is_indention = true;
    }

    pub(super) fn scalar(&mut self, layout: &Layout<'_>) {
        let outer = self.indent;
        self.indent = if outer < 0 { 2 } else { outer + 2 };
        match layout.style {
            Style::Plain => {
                if !self.is_whitespace {
                    self.put(' ');
                }
                self.flow(layout, None);
            }
            Style::SingleQuoted => {
                self.indicator("'", true, false);
                self.flow(layout, Some('\''));
                self.indicator("'", false, false);
            }
            Style::DoubleQuoted => {
                self.indicator("\"", true, false);
                self.double_quoted(layout);
                self.indicator("\"", false, false);
            }
            Style::Literal => self.literal(layout.text),
        }
        if layout.style != Style::Literal {
            self.is_whitespace = false;
            self.is_indention = false;
        }
        self.indent = outer;
    }

    fn put(&mut self, sign: char) {
        self.out.push(sign);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Writes a break that is part of a text.
    fn write_break(&mut self, sign: char) {
        self.out.push(sign);
        self.column = 0;
    }

    /// Writes a plain or single-quoted text, with single spaces as line breaks where lines get long.
    fn flow(&mut self, layout: &Layout<'_>, doubled: Option<char>) {
        let signs: Vec<char> = layout.text.chars().collect();
        let (mut spaces, mut breaks) = (false, false);
        for (at, &sign) in signs.iter().enumerate() {
            if sign == ' ' {
                let is_inner = doubled.is_none() || at > 0 && at + 1 < signs.len();
                let folds = !layout.is_key
                    && !spaces
                    && self.column > WIDTH
                    && is_inner
                    && signs.get(at + 1) != Some(&' ');
                if folds {
                    self.write_indent()
                } else {
                    self.put(sign)
                }
                spaces = true;
            } else if is_break(sign) {
                if !breaks && sign == '\n' {
                    self.put_break();
                }
                self.write_break(sign);
                self.is_indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if doubled == Some(sign) {
                    self.put(sign);
                }
                self.put(sign);
                self.is_indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double_quoted(&mut self, layout: &Layout<'_>) {
        let signs: Vec<char> = layout.text.chars().collect();
        // A text with a byte order mark is escaped throughout, as in the original.
        let escape_all = signs.first() == Some(&'\u{feff}');
        let mut spaces = false;
        for (at, &sign) in signs.iter().enumerate() {
            if escape_all || !is_printable(sign) || is_break(sign) || matches!(sign, '"' | '\\') {
                self.escape(sign);
                spaces = false;
            } else if sign == ' ' {
                let is_inner = at > 0 && at + 1 < signs.len();
                if !layout.is_key && !spaces && self.column > WIDTH && is_inner {
                    self.write_indent();
                    if signs.get(at + 1) == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(sign);
                }
                spaces = true;
            } else {
                self.put(sign);
                spaces = false;
            }
        }
    }

    fn escape(&mut self, sign: char) {
        let code = u32::from(sign);
        let escaped = match sign {
            '\0' => "0".to_owned(),
            '\u{7}' => "a".to_owned(),
            '\u{8}' => "b".to_owned(),
            '\t' => "t".to_owned(),
            '\n' => "n".to_owned(),
            '\u{b}' => "v".to_owned(),
            '\u{c}' => "f".to_owned(),
            '\r' => "r".to_owned(),
            '\u{1b}' => "e".to_owned(),
            '"' | '\\' => sign.to_string(),
            '\u{85}' => "N".to_owned(),
            '\u{a0}' => "_".to_owned(),
            '\u{2028}' => "L".to_owned(),
            '\u{2029}' => "P".to_owned(),
            ..='\u{ff}' => format!("x{code:02X}"),
            ..='\u{ffff}' => format!("u{code:04X}"),
            _ => format!("U{code:08X}"),
        };
        self.put('\\');
        escaped.chars().for_each(|sign| self.put(sign));
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|sign| sign == ' ' || is_break(sign)) {
            self.indicator("2", false, false);
        }
        let mut end = text.chars().rev();
        match (end.next().is_some_and(is_break), end.next().is_none_or(is_break)) {
            (false, _) => self.indicator("-", false, false),
            (true, true) => self.indicator("+", false, false),
            (true, false) => {}
        }
        self.put_break();
        self.is_indention = true;
        self.is_whitespace = true;
        let mut breaks = true;
        for sign in text.chars() {
            if is_break(sign) {
                self.write_break(sign);
                self.is_indention = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(sign);
                self.is_indention = false;
            }
            breaks = is_break(sign);
        }
    }
}
