//! Go's `fmt`: `Sprintf`, `Sprint`, `Sprintln`, and what `{{ value }}` prints.
//!
//! All verbs, flags, widths, precisions and argument indexes, and the `%!v(type=value)` texts for what does not fit.
//! Addresses (`%p`) are always `0xc000000000`. Output longer than [`MAX_TEXT`](crate::value::MAX_TEXT) is an error.

mod flags;
mod float;
mod number;
mod printer;

use printer::Printer;

use crate::unicode;
use crate::value::{FuncError, Value};

/// `fmt.Sprint`: each argument as `%v`, with a space between two that are not strings.
///
/// # Errors
/// When the text would be too long, or a value is nested too deeply.
pub fn sprint(args: &[Value]) -> Result<Vec<u8>, FuncError> {
    let mut printer = Printer::new();
    let mut after_string = true;
    for (index, arg) in args.iter().enumerate() {
        let string = arg.kind() == crate::value::Kind::String;
        if index > 0 && !string && !after_string {
            printer.write(b" ");
        }
        printer.print(arg, 'v');
        after_string = string;
    }
    printer.finish()
}

/// `fmt.Sprintln`: each argument as `%v`, spaces between, a newline at the end.
///
/// # Errors
/// When the text would be too long, or a value is nested too deeply.
pub fn sprintln(args: &[Value]) -> Result<Vec<u8>, FuncError> {
    let mut printer = Printer::new();
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.write(b" ");
        }
        printer.print(arg, 'v');
    }
    printer.write(b"\n");
    printer.finish()
}

/// `fmt.Sprintf`.
///
/// # Errors
/// When the text would be too long, or a value is nested too deeply. A wrong verb or a missing argument is no error:
/// Go says so in the text.
pub fn sprintf(format: &[u8], args: &[Value]) -> Result<Vec<u8>, FuncError> {
    Formatter { printer: Printer::new(), format, at: 0, args, next: 0, reordered: false, good: true }.run()
}

/// One value as `%v`.
///
/// # Errors
/// When the text would be too long, or the value is nested too deeply.
pub fn display(value: &Value) -> Result<Vec<u8>, FuncError> {
    let mut printer = Printer::new();
    printer.print(value, 'v');
    printer.finish()
}

/// Widths, precisions and indexes beyond this are refused by Go.
const MAX_NUMBER: i64 = 1_000_000;

struct Formatter<'a> {
    printer: Printer,
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    next: usize,
    reordered: bool,
    /// Whether the argument indexes of this verb were good so far.
    good: bool,
}

impl Formatter<'_> {
    fn run(mut self) -> Result<Vec<u8>, FuncError> {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.printer.write(&rest[..plain]);
            self.at += plain;
            if self.at >= self.format.len() {
                break;
            }
            self.at += 1;
            self.directive();
            if self.printer.is_over() {
                break;
            }
        }
        if !self.reordered && self.next < self.args.len() {
            self.extra();
        }
        self.printer.finish()
    }

    fn directive(&mut self) {
        self.good = true;
        self.printer.clear_flags();
        while let Some(byte) = self.peek() {
            let flags = &mut self.printer.flags;
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut after_index = self.argument_index();
        self.width(&mut after_index);
        self.precision(&mut after_index);
        if !after_index {
            self.argument_index();
        }
        if self.at >= self.format.len() {
            self.printer.write(b"%!(NOVERB)");
            return;
        }
        let (verb, size) = unicode::decode(&self.format[self.at..]);
        self.at += size;
        if verb == '%' {
            self.printer.write(b"%");
        } else if !self.good {
            self.printer.write_complaint(verb, b"(BADINDEX)");
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            if verb == 'v' || verb == 'w' {
                self.printer.go_flags();
            }
            self.printer.print(arg, verb);
        } else {
            self.printer.write_complaint(verb, b"(MISSING)");
        }
    }

    fn width(&mut self, after_index: &mut bool) {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.number_argument();
            if width.is_none() {
                self.printer.write(b"%!(BADWIDTH)");
            }
            let flags = &mut self.printer.flags;
            if width.is_some_and(|width| width < 0) {
                flags.minus = true;
                flags.zero = false;
            }
            flags.width = width.map(|width| width.unsigned_abs() as usize);
            *after_index = false;
        } else {
            self.printer.flags.width = self.number();
            if *after_index && self.printer.flags.width.is_some() {
                self.good = false;
            }
        }
    }

    fn precision(&mut self, after_index: &mut bool) {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        if *after_index {
            self.good = false;
        }
        *after_index = self.argument_index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let precision = self.number_argument().filter(|precision| *precision >= 0);
            if precision.is_none() {
                self.printer.write(b"%!(BADPREC)");
            }
            self.printer.flags.precision = precision.map(|precision| precision as usize);
            *after_index = false;
        } else {
            self.printer.flags.precision = Some(self.number().unwrap_or(0));
        }
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn number(&mut self) -> Option<usize> {
        let mut value: i64 = 0;
        let start = self.at;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if value > MAX_NUMBER {
                self.at = self.format.len();
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        (self.at > start).then_some(value as usize)
    }

    /// An argument that gives a width or a precision.
    fn number_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = match arg {
            Value::Object(object) => object.underlying().as_ref().and_then(integer),
            other => integer(other),
        };
        number.filter(|number| (-MAX_NUMBER..=MAX_NUMBER).contains(number))
    }

    /// Reads `[n]` if it stands here; whether it did, and was well formed.
    fn argument_index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3) else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let digits = &rest[1..close];
        self.at += close + 1;
        let number = (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then(|| {
            digits
                .iter()
                .fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(MAX_NUMBER * 100))
        });
        match number {
            Some(number) if (1..=self.args.len() as i64).contains(&number) => {
                self.next = number as usize - 1;
                true
            }
            other => {
                self.good = false;
                other.is_some_and(|number| number <= MAX_NUMBER * 10 + 9)
            }
        }
    }

    fn extra(&mut self) {
        self.printer.clear_flags();
        self.printer.write(b"%!(EXTRA ");
        for (index, arg) in self.args[self.next..].iter().enumerate() {
            if index > 0 {
                self.printer.write(b", ");
            }
            if arg.is_nil() {
                self.printer.write(b"<nil>");
            } else {
                self.printer.write(arg.type_name().as_bytes());
                self.printer.write(b"=");
                self.printer.print(arg, 'v');
            }
        }
        self.printer.write(b")");
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) | Value::Int64(value) => Some(*value),
        Value::Uint(value) => i64::try_from(*value).ok(),
        Value::Byte(value) => Some((*value).into()),
        _ => None,
    }
}
