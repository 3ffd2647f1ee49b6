//! Trees to YAML, in block style, as go-yaml lays it out.

use std::cmp::Ordering;

use super::style::{Layout, Style, Writer};
use crate::json::Tree;
use crate::number::{FloatBits, FloatFormat, format_float};
use crate::unicode::{is_digit, is_letter};

/// Writes a tree as one document.
pub(super) fn emit(tree: &Tree) -> String {
    let mut writer = Writer::new();
    node(&mut writer, tree, Context::Root);
    writer.finish()
}

/// What a node belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    /// A key or value of a mapping.
    Member,
}

fn node(writer: &mut Writer, tree: &Tree, context: Context) {
    match tree {
        Tree::List(items) if items.is_empty() => writer.indicator("[]", true, false),
        Tree::Map(members) if members.is_empty() => writer.indicator("{}", true, false),
        Tree::List(items) => {
            let outer = writer.indent;
            // A list in a mapping stands right below its key.
            writer.increase_indent(context == Context::Member && !writer.is_indention);
            for item in items {
                writer.write_indent();
                writer.indicator("-", true, true);
                node(writer, item, Context::Item);
            }
            writer.indent = outer;
        }
        Tree::Map(members) => {
            let outer = writer.indent;
            writer.increase_indent(false);
            let members = members.iter().map(|(key, value)| (text(key), value)).collect();
            for (key, value) in sorted(members, |one: &(String, &Tree), two| is_before(&one.0, &two.0)) {
                member(writer, &key, value);
            }
            writer.indent = outer;
        }
        scalar => {
            let (text, style) = plain(scalar);
            writer.scalar(&Layout::new(&text, style, false));
        }
    }
}

fn member(writer: &mut Writer, key: &str, value: &Tree) {
    let layout = Layout::new(key, Style::of_text(key), true);
    writer.write_indent();
    if layout.fits_key() {
        writer.scalar(&layout);
        writer.indicator(":", false, false);
    } else {
        writer.indicator("?", true, true);
        writer.scalar(&Layout::new(key, Style::of_text(key), false));
        writer.write_indent();
        writer.indicator(":", true, true);
    }
    node(writer, value, Context::Member);
}

/// The text of a scalar and the style that it wants.
fn plain(scalar: &Tree) -> (String, Style) {
    let text = match scalar {
        Tree::Bool(value) => value.to_string(),
        Tree::Int(value) => value.to_string(),
        Tree::Uint(value) => value.to_string(),
        Tree::Float(value) => format_float(*value, FloatFormat::General, None, FloatBits::B64),
        Tree::Text(bytes) => {
            let text = text(bytes);
            let style = Style::of_text(&text);
            return (text, style);
        }
        Tree::Null | Tree::List(_) | Tree::Map(_) => "null".to_owned(),
    };
    (text, Style::Plain)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The order of keys: letters behind other signs, numbers in the text by their value.
fn is_before(one: &str, two: &str) -> bool {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let Some(at) = one.iter().zip(&two).position(|(one, two)| one != two) else {
        return one.len() < two.len();
    };
    let (a, b) = (one[at], two[at]);
    match (is_letter(a), is_letter(b)) {
        (true, true) => return a < b,
        (false, false) => {}
        (_, is_other) => return is_other,
    }
    let (mut a_number, mut b_number) = (0_i64, 0_i64);
    if a == '0' || b == '0' {
        // A zero within a number does not lead it.
        let before = one[..at].iter().rev().take_while(|sign| is_digit(**sign));
        let starts_number = !before.into_iter().any(|sign| *sign != '0');
        (a_number, b_number) = if starts_number { (0, 0) } else { (1, 1) };
    }
    let (a_end, b_end) = (number(&one, at, &mut a_number), number(&two, at, &mut b_number));
    match a_number.cmp(&b_number).then(a_end.cmp(&b_end)) {
        Ordering::Equal => a < b,
        order => order == Ordering::Less,
    }
}

/// Reads the digits from `at` on into `sum`; the place behind them.
fn number(text: &[char], at: usize, sum: &mut i64) -> usize {
    let digits = text[at..].iter().take_while(|sign| is_digit(**sign));
    at + digits
        .map(|sign| *sum = sum.wrapping_mul(10).wrapping_add(i64::from(u32::from(*sign)) - i64::from(b'0')))
        .count()
}

/// Sorts by an order that need not be consistent, which the sorting of the standard library may refuse with a panic.
fn sorted<T>(mut items: Vec<T>, is_before: impl Fn(&T, &T) -> bool + Copy) -> Vec<T> {
    if items.len() < 2 {
        return items;
    }
    let right = items.split_off(items.len() / 2);
    let mut left = sorted(items, is_before).into_iter().peekable();
    let mut right = sorted(right, is_before).into_iter().peekable();
    let mut out = Vec::with_capacity(left.len() + right.len());
    loop {
        let from_right = match (left.peek(), right.peek()) {
            (Some(one), Some(two)) => is_before(two, one),
            (left, _) => left.is_none(),
        };
        match if from_right { right.next() } else { left.next() } {
            Some(item) => out.push(item),
            None => return out,
        }
    }
}
