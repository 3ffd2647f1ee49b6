//! PEM blocks.

use crate::base64::{self, Encoding};
use crate::sprig::args::find;

/// One block of a label, in lines of 64 characters.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64::encode(Encoding::Standard, der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// The label and the content of the first whole block.
pub(super) fn decode(text: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut rest = text;
    loop {
        let start = find(rest, b"-----BEGIN ")? + 11;
        rest = &rest[start..];
        let end_of_label = find(rest, b"-----")?;
        let label = &rest[..end_of_label];
        let body = &rest[end_of_label + 5..];
        let footer = [b"-----END ", label, b"-----"].concat();
        let Some(end) = find(body, &footer).filter(|_| !label.contains(&b'\n')) else { continue };
        let lines = body[..end].split(|byte| *byte == b'\n').filter(|line| !line.contains(&b':'));
        let packed: Vec<u8> = lines.flatten().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if let Ok(der) = base64::decode(Encoding::Standard, packed) {
            return Some((String::from_utf8_lossy(label).into_owned(), der));
        }
        rest = &body[end..];
    }
}
