//! Patterns in Go's language, written anew for the `regex` crate.
//!
//! The main differences: `\d`, `\s`, `\w`, `\b` and named classes are ASCII, `{` may stand for itself, `\Q..\E` quotes,
//! octal escapes exist, and nothing but Go's own syntax has a meaning. The flag `U` is resolved here; `i`, `m` and `s` are
//! handed on.

use super::RegexpError;
use super::class;
use super::input::{Input, NEVER, Reason};

/// Groups may be nested this deep; the `regex` crate allows no more.
const MAX_GROUPS: usize = 250;
/// The most that repetitions may multiply to.
const MAX_REPEAT: u64 = 1_000;
/// A pattern for the `regex` crate.
pub(super) struct Translation {
    pub(super) pattern: String,
    /// The name of each group, with the whole match first.
    pub(super) names: Vec<Option<String>>,
}

pub(super) fn translate(pattern: &[u8]) -> Result<Translation, RegexpError> {
    let text = std::str::from_utf8(pattern)
        .map_err(|error| RegexpError::Syntax { reason: Reason::InvalidUtf8, at: error.valid_up_to() })?;
    let mut translator = Translator {
        input: Input { text, at: 0 },
        out: String::with_capacity(text.len() * 2),
        names: vec![None],
        open: Vec::new(),
        group: Group::default(),
        after_repeat: false,
    };
    while let Some(sign) = translator.input.peek() {
        translator.step(sign)?;
    }
    if !translator.open.is_empty() {
        return Err(translator.input.error_at(text.len(), Reason::MissingParen));
    }
    Ok(Translation { pattern: translator.out, names: translator.names })
}

/// What is known about a group while it is open; the outermost is the whole pattern.
#[derive(Default)]
struct Group {
    /// Where in the output the group starts.
    start: usize,
    /// What a repetition would apply to.
    operand: Option<Operand>,
    /// The greatest product of nested repetitions inside.
    repeat: u64,
    /// Whether the flag `U` is set.
    is_lazy: bool,
}

/// A piece of the output that can be repeated.
#[derive(Clone, Copy)]
struct Operand {
    start: usize,
    end: usize,
    /// The greatest product of nested repetitions inside.
    repeat: u64,
    is_repeated: bool,
}

struct Translator<'p> {
    input: Input<'p>,
    out: String,
    names: Vec<Option<String>>,
    /// The groups around the current one.
    open: Vec<Group>,
    group: Group,
    /// Whether the last thing read was a repetition.
    after_repeat: bool,
}

impl Translator<'_> {
    fn step(&mut self, sign: char) -> Result<(), RegexpError> {
        let after_repeat = std::mem::take(&mut self.after_repeat);
        match sign {
            '(' => return self.open_group(),
            ')' => return self.close_group(),
            '|' => {
                self.input.next();
                self.out.push('|');
                self.group.operand = None;
            }
            '*' | '+' | '?' => {
                let start = self.input.at;
                self.input.next();
                return self.repeat(start, &sign.to_string(), 1, after_repeat);
            }
            '{' => {
                let start = self.input.at;
                if let Some((min, max)) = counts(&mut self.input) {
                    let limit = max.unwrap_or(min);
                    if min > MAX_REPEAT || limit > MAX_REPEAT || limit < min {
                        return Err(self.input.error_at(start, Reason::InvalidRepeatSize));
                    }
                    let sign = match max {
                        Some(max) => format!("{{{min},{max}}}"),
                        None => format!("{{{min},}}"),
                    };
                    // What is repeated zero times at most does not count at all.
                    let factor = if max == Some(0) { 0 } else { limit.max(1) };
                    return self.repeat(start, &sign, factor, after_repeat);
                }
                self.input.next();
                self.literal(u32::from('{'));
            }
            '[' => {
                let class = class::bracketed(&mut self.input)?;
                self.operand(&class);
            }
            '^' | '$' | '.' => {
                self.input.next();
                self.operand(sign.encode_utf8(&mut [0; 4]));
            }
            '\\' => return self.backslash(),
            _ => {
                self.input.next();
                self.literal(u32::from(sign));
            }
        }
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), RegexpError> {
        let assertion = match self.input.rest().as_bytes().get(1) {
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'Q') => {
                self.input.at += 2;
                let rest = self.input.rest();
                let (quoted, length) =
                    rest.split_once(r"\E").map_or((rest, rest.len()), |(q, _)| (q, q.len() + 2));
                quoted.chars().for_each(|sign| self.literal(u32::from(sign)));
                self.input.at += length;
                return Ok(());
            }
            _ => {
                match class::escaped(&mut self.input)? {
                    Some(class) => self.operand(&class),
                    None => {
                        let code = self.input.escape()?;
                        self.literal(code);
                    }
                }
                return Ok(());
            }
        };
        self.input.at += 2;
        self.operand(assertion);
        Ok(())
    }

    fn literal(&mut self, code: u32) {
        let start = self.out.len();
        match char::from_u32(code) {
            Some(sign) if sign.is_alphanumeric() => self.out.push(sign),
            Some(_) => self.out.push_str(&format!("\\x{{{code:X}}}")),
            None => self.out.push_str(NEVER),
        }
        self.set_operand(start, 1);
    }

    fn operand(&mut self, text: &str) {
        let start = self.out.len();
        self.out.push_str(text);
        self.set_operand(start, 1);
    }

    fn set_operand(&mut self, start: usize, repeat: u64) {
        self.group.operand = Some(Operand { start, end: self.out.len(), repeat, is_repeated: false });
        self.group.repeat = self.group.repeat.max(repeat);
    }

    /// Applies a repetition that starts at `start` in the pattern to the last operand. Flags may stand in between.
    fn repeat(
        &mut self,
        start: usize,
        sign: &str,
        factor: u64,
        after_repeat: bool,
    ) -> Result<(), RegexpError> {
        let is_lazy = self.input.eat("?") != self.group.is_lazy;
        if after_repeat {
            return Err(self.input.error_at(start, Reason::InvalidRepeatOp));
        }
        let operand = self.group.operand.ok_or(self.input.error_at(start, Reason::MissingRepeatArgument))?;
        let repeat = if factor == 0 { 1 } else { operand.repeat.saturating_mul(factor) };
        if factor > 1 && repeat > MAX_REPEAT {
            return Err(self.input.error_at(start, Reason::InvalidRepeatSize));
        }
        let flags = self.out.split_off(operand.end);
        if operand.is_repeated {
            self.out.insert_str(operand.start, "(?:");
            self.out.push(')');
        }
        self.out.push_str(sign);
        if is_lazy {
            self.out.push('?');
        }
        let end = self.out.len();
        self.out.push_str(&flags);
        self.group.operand = Some(Operand { start: operand.start, end, repeat, is_repeated: true });
        self.group.repeat = self.group.repeat.max(repeat);
        self.after_repeat = true;
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), RegexpError> {
        if self.open.len() >= MAX_GROUPS {
            return Err(RegexpError::TooLarge);
        }
        let start = self.out.len();
        let paren = self.input.at;
        let mut is_lazy = self.group.is_lazy;
        if !self.input.eat("(?") {
            self.input.at += 1;
            self.out.push('(');
            self.names.push(None);
        } else if self.input.eat("P<") || self.input.eat("<") {
            let name = self.input.rest().split_once('>').map(|(name, _)| name);
            let is_name = |name: &&str| {
                !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
            };
            let name = name.filter(is_name).ok_or(self.input.error_at(paren, Reason::InvalidNamedCapture))?;
            self.input.at += name.len() + 1;
            self.out.push('(');
            self.names.push(Some(name.to_owned()));
        } else {
            let flags =
                Flags::read(&mut self.input).ok_or(self.input.error_at(paren, Reason::InvalidPerlOp))?;
            is_lazy = flags.lazy.unwrap_or(is_lazy);
            let names = flags.to_string();
            if !flags.opens_group {
                self.group.is_lazy = is_lazy;
                if !names.is_empty() {
                    self.out.push_str(&format!("(?{names})"));
                }
                return Ok(());
            }
            self.out.push_str(&format!("(?{names}:"));
        }
        let group = Group { start, operand: None, repeat: 1, is_lazy };
        self.open.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), RegexpError> {
        let outer = self.open.pop().ok_or(self.input.error(Reason::UnexpectedParen))?;
        let group = std::mem::replace(&mut self.group, outer);
        self.input.next();
        self.out.push(')');
        self.set_operand(group.start, group.repeat);
        Ok(())
    }
}

/// The flags of `(?flags)` or `(?flags:`: set, cleared, or as they were.
#[derive(Default)]
struct Flags {
    fold: Option<bool>,
    multi_line: Option<bool>,
    dot_all: Option<bool>,
    lazy: Option<bool>,
    opens_group: bool,
}

impl Flags {
    /// Reads what stands behind `(?`.
    fn read(input: &mut Input<'_>) -> Option<Self> {
        let mut flags = Self::default();
        let (mut set, mut any) = (true, false);
        loop {
            let sign = input.next()?;
            match sign {
                'i' => flags.fold = Some(set),
                'm' => flags.multi_line = Some(set),
                's' => flags.dot_all = Some(set),
                'U' => flags.lazy = Some(set),
                '-' if set => {
                    (set, any) = (false, false);
                    continue;
                }
                ':' | ')' if set || any => {
                    flags.opens_group = sign == ':';
                    return Some(flags);
                }
                _ => return None,
            }
            any = true;
        }
    }
}

impl std::fmt::Display for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flags = [(self.fold, "i"), (self.multi_line, "m"), (self.dot_all, "s")];
        let named =
            |wanted: bool| flags.iter().filter(move |(flag, _)| *flag == Some(wanted)).map(|(_, name)| *name);
        named(true).try_for_each(|name| f.write_str(name))?;
        if named(false).next().is_some() {
            f.write_str("-")?;
        }
        named(false).try_for_each(|name| f.write_str(name))
    }
}

/// Passes `{min}`, `{min,}` or `{min,max}`; leaves anything else alone, which then stands for itself.
fn counts(input: &mut Input<'_>) -> Option<(u64, Option<u64>)> {
    let (inner, _) = input.rest().strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // Too long to fit is too great anyway.
        (is_number && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let counts = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    input.at += inner.len() + 2;
    Some(counts)
}
