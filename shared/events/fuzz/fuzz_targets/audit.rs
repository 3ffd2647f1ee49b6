//! Any shipment of audit records, and any stream of them: nothing may panic, chunks must not matter, and a change that is
//! told must be one that can be told on. `cargo +nightly fuzz run audit corpus/audit ../../../events/vault` begins with the
//! samples.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_events::vault::{AuditReader, Frames, Kv, records};

fuzz_target!(|input: &[u8]| {
    for line in records(input).unwrap_or_default() {
        let _ = reader().read(&line);
    }
    let (size, stream) =
        input.split_first().map_or((1, input), |(first, rest)| (usize::from(*first) + 1, rest));
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let mut frames = Frames::default();
    frames.push(stream, |line| whole.push(line.to_vec()));
    frames.finish(|line| whole.push(line.to_vec()));
    let mut frames = Frames::default();
    stream.chunks(size).for_each(|chunk| frames.push(chunk, |line| cut.push(line.to_vec())));
    frames.finish(|line| cut.push(line.to_vec()));
    assert_eq!(whole, cut);
    let mut reader = reader();
    for line in whole {
        for change in reader.read(&line).unwrap_or_default() {
            let read = pawl_events::changes(pawl_events::to_json(&change).as_bytes());
            assert_eq!(read.as_deref(), Ok([change].as_slice()));
        }
    }
});

fn reader() -> AuditReader {
    AuditReader::new(Some("https://vault.example.com:8200")).mount("secret", Kv::V2).mount("kv1", Kv::V1)
}
