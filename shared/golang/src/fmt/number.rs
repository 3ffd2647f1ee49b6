//! Integers in every base, and the forms that `#` asks for.

use super::flags::Flags;
use crate::unicode;

/// The digits of an integer with sign, prefix, precision and leading zeros; spaces are the caller's.
pub(super) fn integer(flags: &Flags, magnitude: u64, negative: bool, base: u32, verb: char) -> Vec<u8> {
    let mut precision = 0;
    if let Some(wanted) = flags.precision {
        if wanted == 0 && magnitude == 0 {
            return Vec::new();
        }
        precision = wanted;
    } else if flags.zero
        && !flags.minus
        && let Some(width) = flags.width
    {
        precision = width;
        if negative || flags.plus || flags.space {
            precision = precision.saturating_sub(1);
        }
    }
    let mut digits = match base {
        2 => format!("{magnitude:b}"),
        8 => format!("{magnitude:o}"),
        16 if verb == 'X' => format!("{magnitude:X}"),
        16 => format!("{magnitude:x}"),
        _ => magnitude.to_string(),
    };
    if digits.len() < precision {
        digits.insert_str(0, &"0".repeat(precision - digits.len()));
    }
    let mut out = Vec::with_capacity(digits.len() + 5);
    if negative {
        out.push(b'-');
    } else if flags.plus {
        out.push(b'+');
    } else if flags.space {
        out.push(b' ');
    }
    if verb == 'O' {
        out.extend_from_slice(b"0o");
    }
    if flags.sharp {
        match base {
            2 => out.extend_from_slice(b"0b"),
            8 if !digits.starts_with('0') => out.push(b'0'),
            16 => out.extend_from_slice(if verb == 'X' { b"0X" } else { b"0x" }),
            _ => {}
        }
    }
    out.extend_from_slice(digits.as_bytes());
    out
}

/// `%U`, and with `#` also the character itself.
pub(super) fn code_point(flags: &Flags, magnitude: u64, negative: bool) -> Vec<u8> {
    let code = if negative { magnitude.wrapping_neg() } else { magnitude };
    let precision = flags.precision.unwrap_or(4).max(4);
    let digits = format!("{code:X}");
    let zeros = "0".repeat(precision.saturating_sub(digits.len()));
    let mut out = format!("U+{zeros}{digits}").into_bytes();
    let rune = u32::try_from(code).ok().and_then(char::from_u32).filter(|rune| unicode::is_print(*rune));
    if let Some(rune) = rune.filter(|_| flags.sharp) {
        out.extend_from_slice(b" '");
        unicode::push(&mut out, rune);
        out.push(b'\'');
    }
    out
}

/// What `#` does to a float: a point always, and for `%g` the zeros up to the precision.
pub(super) fn keep_zeros(text: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
    // Go forgets the upper case X here.
    let mut missing = if matches!(verb, b'g' | b'G' | b'x') { precision.unwrap_or(6) as i64 } else { 0 };
    let hex = matches!(verb, b'x' | b'X');
    let tail_at =
        text.iter().position(|byte| matches!(byte, b'p' | b'P') || !hex && matches!(byte, b'e' | b'E'));
    let tail = tail_at.map(|at| text.split_off(at)).unwrap_or_default();
    let (mut point, mut significant) = (false, false);
    for byte in &text[1..] {
        if *byte == b'.' {
            point = true;
            continue;
        }
        significant |= *byte != b'0';
        if significant {
            missing -= 1;
        }
    }
    if !point {
        if text.len() == 2 && text[1] == b'0' {
            missing -= 1;
        }
        text.push(b'.');
    }
    text.extend(std::iter::repeat_n(b'0', missing.max(0) as usize));
    text.extend_from_slice(&tail);
}
