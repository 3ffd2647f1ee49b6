//! One value with one verb, into a buffer of bounded size.

use super::flags::Flags;
use crate::literal;
use crate::unicode;
use crate::value::{FuncError, Kind, List, MAX_NESTING, MAX_TEXT, Map, Object, Value};

use super::float::format_float;
use super::number;

/// What a maps' or functions' address is printed as: real ones would differ from run to run.
const ADDRESS: u64 = 0x00c0_0000_0000;

pub(super) struct Printer {
    pub(super) flags: Flags,
    out: Vec<u8>,
    failure: Option<FuncError>,
    /// Inside a complaint values are printed plainly, without their `String` methods.
    complaining: bool,
}

impl Printer {
    pub(super) fn new() -> Self {
        Self { flags: Flags::default(), out: Vec::new(), failure: None, complaining: false }
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, FuncError> {
        self.failure.map_or(Ok(self.out), Err)
    }

    pub(super) fn is_over(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn clear_flags(&mut self) {
        self.flags = Flags::default();
    }

    /// Reads `#` and `+` as `%v` does.
    pub(super) fn go_flags(&mut self) {
        self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
        self.flags.plus_v = std::mem::take(&mut self.flags.plus);
    }

    pub(super) fn write(&mut self, text: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        if self.out.len() + text.len() > MAX_TEXT {
            self.failure = Some(FuncError::too_large());
        } else {
            self.out.extend_from_slice(text);
        }
    }

    /// Writes what Go writes when a verb has no usable argument.
    pub(super) fn write_complaint(&mut self, verb: char, what: &[u8]) {
        self.write(b"%!");
        self.write(verb.encode_utf8(&mut [0; 4]).as_bytes());
        self.write(what);
    }

    pub(super) fn print(&mut self, value: &Value, verb: char) {
        match verb {
            _ if value.is_nil() && (verb == 'T' || verb == 'v') => self.pad(b"<nil>"),
            _ if value.is_nil() => self.write_complaint(verb, b"(<nil>)"),
            'T' => self.string(value.type_name().as_bytes()),
            'p' => self.address(value, verb),
            'w' => self.bad_verb(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if self.failure.is_some() {
            return;
        }
        if depth > MAX_NESTING {
            self.failure = Some(FuncError::too_deep());
            return;
        }
        match value {
            Value::Nil if self.flags.sharp_v => self.write(b"interface {}(nil)"),
            Value::Nil => self.write(b"<nil>"),
            Value::Bool(truth) => match verb {
                't' | 'v' => self.pad(if *truth { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(number) | Value::Int64(number) => {
                self.integer(value, number.unsigned_abs(), *number < 0, true, verb)
            }
            Value::Uint(number) => self.integer(value, *number, false, false, verb),
            Value::Byte(number) => self.integer(value, (*number).into(), false, false, verb),
            Value::Float(number) => self.float(value, *number, verb),
            Value::Complex(real, imaginary) => self.complex(value, *real, *imaginary, verb),
            Value::Str(text) => self.text(value, text, verb),
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => self.object(value, object.as_ref(), verb, depth),
            Value::Func(_) => self.address(value, verb),
        }
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'q' => self.quoted(text),
            'x' => self.hex(text, b"0123456789abcdefx"),
            'X' => self.hex(text, b"0123456789ABCDEFX"),
            _ => self.bad_verb(value, verb),
        }
    }

    fn integer(&mut self, value: &Value, magnitude: u64, negative: bool, signed: bool, verb: char) {
        let text = match verb {
            'v' if self.flags.sharp_v && !signed => {
                let flags = Flags { sharp: true, ..self.flags };
                number::integer(&flags, magnitude, negative, 16, 'v')
            }
            'v' | 'd' => number::integer(&self.flags, magnitude, negative, 10, verb),
            'b' => number::integer(&self.flags, magnitude, negative, 2, verb),
            'o' | 'O' => number::integer(&self.flags, magnitude, negative, 8, verb),
            'x' | 'X' => number::integer(&self.flags, magnitude, negative, 16, verb),
            'c' => unicode_of(magnitude, negative).encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
            'q' => literal::quote_rune(unicode_of(magnitude, negative), self.flags.plus),
            'U' => number::code_point(&self.flags, magnitude, negative),
            _ => return self.bad_verb(value, verb),
        };
        // Zeros were put in with the digits already, where they belong.
        let zero = self.flags.zero;
        self.flags.zero = zero && matches!(verb, 'c' | 'q');
        self.pad(&text);
        self.flags.zero = zero;
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) {
        let (letter, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(precision);
        let mut text = format_float(number, letter, precision);
        if !matches!(text.first(), Some(b'+' | b'-')) {
            text.insert(0, b'+');
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if number.is_nan() || number.is_infinite() {
            let bare = number.is_nan() && !self.flags.space && !self.flags.plus;
            let zero = std::mem::take(&mut self.flags.zero);
            self.pad(if bare { &text[1..] } else { &text });
            self.flags.zero = zero;
            return;
        }
        if self.flags.sharp && letter != b'b' {
            number::keep_zeros(&mut text, letter, precision);
        }
        if self.flags.plus || text[0] != b'+' {
            let width = self.flags.width.unwrap_or(0);
            if self.flags.zero && !self.flags.minus && width > text.len() {
                self.write(&text[..1]);
                self.padding(width - text.len());
                self.write(&text[1..]);
            } else {
                self.pad(&text);
            }
        } else {
            self.pad(&text[1..]);
        }
    }

    fn complex(&mut self, value: &Value, real: f64, imaginary: f64, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.write(b"(");
        self.float(value, real, verb);
        self.flags.plus = true;
        self.float(value, imaginary, verb);
        self.write(b"i)");
        self.flags.plus = plus;
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        let go = self.flags.sharp_v;
        if go {
            self.write(list_name(list).as_bytes());
            if list.is_nil() {
                return self.write(b"(nil)");
            }
        }
        self.write(if go { b"{" } else { b"[" });
        for (index, item) in list.items().iter().enumerate() {
            if self.failure.is_some() {
                return;
            }
            if index > 0 {
                self.write(if go { b", " } else { b" " });
            }
            self.value(item, verb, depth + 1);
        }
        self.write(if go { b"}" } else { b"]" });
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        let go = self.flags.sharp_v;
        if go {
            self.write(Value::Map(map.clone()).type_name().as_bytes());
        }
        self.write(if go { b"{" } else { b"map[" });
        for (index, (key, entry)) in map.entries().into_iter().enumerate() {
            if self.failure.is_some() {
                return;
            }
            if index > 0 {
                self.write(if go { b", " } else { b" " });
            }
            self.value(&Value::Str(key), verb, depth + 1);
            self.write(b":");
            self.value(&entry, verb, depth + 1);
        }
        self.write(if go { b"}" } else { b"]" });
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char, depth: usize) {
        if !self.complaining
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.text()
        {
            return self.text(value, &text, verb);
        }
        match object.underlying() {
            Some(Value::Int(number) | Value::Int64(number)) => {
                return self.integer(value, number.unsigned_abs(), number < 0, true, verb);
            }
            Some(other) => return self.value(&other, verb, depth),
            None => {}
        }
        let name = object.type_name();
        if object.kind() == Kind::Pointer {
            self.write(b"&");
        }
        if self.flags.sharp_v {
            self.write(name.trim_start_matches('*').as_bytes());
        }
        self.write(b"{");
        for (index, (name, field)) in object.fields().into_iter().enumerate() {
            if index > 0 {
                self.write(if self.flags.sharp_v { b", " } else { b" " });
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name.as_bytes());
                self.write(b":");
            }
            self.value(&field, verb, depth + 1);
        }
        self.write(b"}");
    }

    fn address(&mut self, value: &Value, verb: char) {
        if !matches!(value.kind(), Kind::Slice | Kind::Map | Kind::Pointer | Kind::Func) {
            return self.bad_verb(value, verb);
        }
        match verb {
            'v' | 'p' => {
                let flags = Flags { sharp: !self.flags.sharp, ..self.flags };
                let text = number::integer(&flags, ADDRESS, false, 16, 'v');
                self.pad(&text);
            }
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(&Value::Uint(ADDRESS), ADDRESS, false, false, verb),
            _ => self.write_complaint(verb, b"(func)"),
        }
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.complaining = true;
        self.write_complaint(verb, b"(");
        self.write(value.type_name().as_bytes());
        self.write(b"=");
        self.value(value, 'v', 0);
        self.write(b")");
        self.complaining = false;
    }

    fn string(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        self.pad(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        let sharp = self.flags.sharp && !self.flags.sharp_v;
        if sharp && literal::can_backquote(text) {
            self.pad(&[b"`", text, b"`"].concat());
        } else if self.flags.plus {
            self.pad(&literal::quote_ascii(text));
        } else {
            self.pad(&literal::quote(text));
        }
    }

    fn hex(&mut self, text: &[u8], digits: &[u8; 17]) {
        let text = &text[..self.flags.precision.unwrap_or(text.len()).min(text.len())];
        if text.is_empty() {
            return self.padding(self.flags.width.unwrap_or(0));
        }
        let mut out = Vec::with_capacity(text.len() * 2 + 2);
        for (index, byte) in text.iter().enumerate() {
            if self.flags.space && index > 0 {
                out.push(b' ');
            }
            if self.flags.sharp && (self.flags.space || index == 0) {
                out.extend_from_slice(&[b'0', digits[16]]);
            }
            out.extend_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        self.pad(&out);
    }

    fn truncated<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        match self.flags.precision.and_then(|count| unicode::runes(text).nth(count)) {
            Some((end, _, _)) => &text[..end],
            None => text,
        }
    }

    fn pad(&mut self, text: &[u8]) {
        let width = self.flags.width.unwrap_or(0);
        let missing = if width == 0 { 0 } else { width.saturating_sub(unicode::count(text)) };
        if self.flags.minus {
            self.write(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.write(text);
        }
    }

    fn padding(&mut self, count: usize) {
        if count > 0 {
            let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
            self.write(&vec![byte; count]);
        }
    }
}

fn list_name(list: &List) -> String {
    Value::List(list.clone()).type_name().into_owned()
}

fn unicode_of(magnitude: u64, negative: bool) -> char {
    let code = if negative { None } else { u32::try_from(magnitude).ok() };
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
