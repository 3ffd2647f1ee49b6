//! An array that is put together from texts of values.

#[derive(Default)]
pub(super) struct List(Vec<u8>);

impl List {
    pub(super) fn push(&mut self, value: &[u8]) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        self.0.extend_from_slice(value);
    }

    pub(super) fn close(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push(b'[');
        }
        self.0.push(b']');
        self.0
    }
}
