//! Buffers that grow without leaving a copy of their bytes in memory.

use zeroize::Zeroizing;

/// Puts bytes behind others. To grow them in place would leave a copy of them behind.
pub(super) fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    if bytes.len() + data.len() > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity((bytes.len() + data.len()) * 2));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(data);
}
