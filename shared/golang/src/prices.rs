//! What functions cost beyond the reading of their arguments, in steps of a [`Budget`](crate::budget::Budget).
//!
//! Lists and dicts share their parts, so that a few bytes of a template stand for a million items: functions that walk
//! through a value to its leaves are paid for by what they come to. `shared/domain/tests/limits` holds each to its price.

use crate::value::{Value, extent};

/// Of a function that looks at all that is in its arguments.
pub fn walked(args: &[Value]) -> u64 {
    of(args, 1, 64)
}

/// Of one that writes all of it as text.
pub fn written(args: &[Value]) -> u64 {
    of(args, 6, 16)
}

/// Of one that makes it anew, or sorts it.
pub fn copied(args: &[Value]) -> u64 {
    of(args, 8, 32)
}

/// Of one that writes it as YAML, which is JSON that is read as YAML and written again.
pub fn as_yaml(args: &[Value]) -> u64 {
    of(args, 40, 2)
}

/// Of one that puts its last argument into its first, which must not be in it.
pub(crate) fn put(args: &[Value]) -> u64 {
    walked(args.get(2..).unwrap_or_default())
}

/// Of one that takes every second argument for a key, which is written where it is no text.
pub(crate) fn keyed(args: &[Value]) -> u64 {
    let keys = args.iter().step_by(2).filter(|key| key.as_text().is_none());
    keys.map(|key| written(std::slice::from_ref(key))).sum()
}

/// Of one that computes a sum over its arguments.
pub(crate) fn summed(args: &[Value]) -> u64 {
    35 + bytes(args) / 16
}

/// Of one that looks for a text in another.
pub(crate) fn searched(args: &[Value]) -> u64 {
    2 + bytes(args) / 24
}

/// Of one that makes as many random characters as its first argument says.
pub(crate) fn random(args: &[Value]) -> u64 {
    match args {
        [Value::Int(count), ..] => 10 + u64::try_from(*count).unwrap_or(0),
        _ => 10,
    }
}

/// Of one that treats each character.
pub(crate) fn by_character(args: &[Value]) -> u64 {
    5 + bytes(args) / 8
}

/// Of one that looks for the words in a text.
pub(crate) fn by_word(args: &[Value]) -> u64 {
    5 + bytes(args)
}

/// Of one that reads or writes a time by a layout.
pub(crate) fn dated(args: &[Value]) -> u64 {
    15 + bytes(args) * 2
}

/// Of one that reads a version.
pub(crate) fn versioned(args: &[Value]) -> u64 {
    60 + bytes(args) / 2
}

/// Of one that calculates with decimals: each argument may make the result longer, and a division takes longest.
pub(crate) fn decimal(args: &[Value]) -> u64 {
    let count = args.len() as u64;
    count * 60 + count * count
}

/// Of one that reads JSON: objects take longest.
pub(crate) fn json(args: &[Value]) -> u64 {
    bytes(args) / 16
        + texts(args, |sign| match sign {
            b'{' => 30,
            b'[' => 12,
            b':' => 8,
            b',' => 6,
            _ => 0,
        })
}

/// Of one that reads YAML.
pub fn yaml(args: &[Value]) -> u64 {
    args.iter().filter_map(Value::as_text).map(of_yaml).sum()
}

/// The steps of reading this YAML: signs of its structure take longest.
pub fn of_yaml(text: &[u8]) -> u64 {
    let signs = text.iter().filter(|sign| b"\n,[{:-?*&\"'".contains(sign)).count();
    (text.len() / 4 + signs * 8) as u64
}

fn of(args: &[Value], item: usize, bytes_per_step: usize) -> u64 {
    let extent = extent(args);
    (extent.items * item + extent.bytes / bytes_per_step) as u64
}

fn bytes(args: &[Value]) -> u64 {
    args.iter().filter_map(Value::as_text).map(<[u8]>::len).sum::<usize>() as u64
}

fn texts(args: &[Value], price: impl Fn(u8) -> u64) -> u64 {
    args.iter().filter_map(Value::as_text).flatten().map(|sign| price(*sign)).sum()
}
