//! Names that nobody can guess, in the shapes of the real ones.

/// Letters and digits.
pub(crate) fn base62(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..length).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// 16 random bytes as a UUID is written. As the real server's, it says no version.
pub(crate) fn uuid() -> String {
    let digits = format!("{:032x}", rand::random::<u128>());
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The handle of a mount: its type and eight digits.
pub(crate) fn accessor(kind: &str) -> String {
    format!("{kind}_{:08x}", rand::random::<u32>())
}
