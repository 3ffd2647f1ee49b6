//! Number literals. A literal has no type of its own: it is kept as each type that can hold it.

use crate::literal;
use crate::number::{FloatBits, parse_float, parse_int, parse_uint};

use super::lex::Token;

#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) text: String,
    pub(super) int: Option<i64>,
    pub(super) uint: Option<u64>,
    pub(super) float: Option<f64>,
    pub(super) complex: Option<(f64, f64)>,
}

impl Number {
    /// Reads a literal; the error says what is wrong with it.
    pub(super) fn parse(text: &[u8], token: Token) -> Result<Self, String> {
        let shown = String::from_utf8_lossy(text).into_owned();
        let empty = Self { text: shown.clone(), int: None, uint: None, float: None, complex: None };
        match token {
            Token::CharConstant => {
                let rune = literal::unquote_rune(text).ok_or_else(|| {
                    // Go distinguishes a bad escape from a second character.
                    if text.len() > 3 && text[1] != b'\\' || text.len() < 3 {
                        format!("malformed character constant: {shown}")
                    } else {
                        "invalid syntax".to_owned()
                    }
                })?;
                Ok(Self {
                    int: Some(rune.into()),
                    uint: Some(rune.into()),
                    float: Some(rune.into()),
                    ..empty
                })
            }
            Token::Complex => {
                let (real, imaginary) = split_complex(text).ok_or("syntax error scanning complex number")?;
                Ok(empty.with_complex(real, imaginary))
            }
            _ => {
                if let Some(float) = text.strip_suffix(b"i").and_then(float) {
                    return Ok(empty.with_complex(0.0, float));
                }
                empty.with_real(text)
            }
        }
    }

    /// Whether the literal is written as an integer or a character, and so is an `int` where no type is asked for.
    pub(super) fn looks_integral(&self) -> bool {
        let text = self.text.as_bytes();
        let hex = text.len() > 2
            && text[0] == b'0'
            && matches!(text[1], b'x' | b'X')
            && !self.text.contains(['p', 'P']);
        hex || text.first() == Some(&b'\'') || !self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }

    fn with_real(self, text: &[u8]) -> Result<Self, String> {
        let quoted = || String::from_utf8_lossy(&literal::quote(text)).into_owned();
        let int = parse_int(text, 0, 64).ok();
        let uint = parse_uint(text, 0, 64).ok().or((int == Some(0)).then_some(0));
        if let Some(float) = int.map(|int| int as f64).or(uint.map(|uint| uint as f64)) {
            return Ok(Self { int, uint, float: Some(float), ..self });
        }
        let float = float(text).ok_or_else(|| format!("illegal number syntax: {}", quoted()))?;
        if !self.text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quoted()));
        }
        Ok(Self { int: as_int(float), uint: as_uint(float), float: Some(float), ..self })
    }

    fn with_complex(self, real: f64, imaginary: f64) -> Self {
        let plain = (imaginary == 0.0).then_some(real);
        let (int, uint) = (plain.and_then(as_int), plain.and_then(as_uint));
        Self { complex: Some((real, imaginary)), float: plain, int, uint, ..self }
    }
}

fn float(text: &[u8]) -> Option<f64> {
    parse_float(text, FloatBits::B64).ok()
}

fn as_int(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float < 9_223_372_036_854_775_808.0).then_some(int)
}

fn as_uint(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float && float < 18_446_744_073_709_551_616.0).then_some(uint)
}

/// `1+2i` into its parts; the sign between them is not one of an exponent.
fn split_complex(text: &[u8]) -> Option<(f64, f64)> {
    let inner = text.strip_suffix(b"i")?;
    let hex = inner.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"0x"));
    let exponent = |byte: u8| matches!(byte, b'p' | b'P') || !hex && matches!(byte, b'e' | b'E');
    let at = (1..inner.len()).find(|at| matches!(inner[*at], b'+' | b'-') && !exponent(inner[at - 1]))?;
    Some((float(&inner[..at])?, float(&inner[at..])?))
}
