//! What audit records travel in: CloudWatch Logs, compressed or not, and the lines and arrays that shippers send.

use super::MAX_RECORD;
use crate::Error;
use crate::kubernetes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Read;

/// The most that one shipment may unpack to. A batch of CloudWatch Logs has 1 MiB, an invocation of Lambda 6 MB.
pub const MAX_SHIPMENT: usize = 32 * 1024 * 1024;
/// Base64 within gzip within an envelope; nobody wraps deeper.
const MAX_DEPTH: usize = 4;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A batch of CloudWatch Logs, or the envelope that Lambda is called with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudWatch<'a> {
    #[serde(borrow)]
    awslogs: Option<Packed<'a>>,
    #[serde(borrow)]
    message_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    log_events: Vec<LogEvent<'a>>,
}

#[derive(Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct LogEvent<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// One line of a shipper: the record itself, or an object that has it as text or whole.
#[derive(Deserialize)]
struct Shipped<'a> {
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    // Vector and the agents of CloudWatch.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    // Fluent Bit and Fluentd.
    #[serde(borrow)]
    log: Option<&'a RawValue>,
}

/// The audit records of a shipment, one for each line of the log.
///
/// A shipment is a batch of CloudWatch Logs (as Lambda gets it from a subscription, or as Kinesis and Firehose hold it),
/// an EventList of Kubernetes, lines of records, or a JSON array; plain or gzip; each element the record itself or an object with it under
/// `message` (Vector) or `log` (Fluent Bit). Nothing is a proper answer: CloudWatch Logs tests its destinations.
///
/// # Errors
/// [`Error::Malformed`] for what cannot be unpacked, [`Error::TooLarge`] above [`MAX_SHIPMENT`]. Whether each line is a
/// record is not looked at here.
pub fn records(shipment: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    unpack(shipment, 0, &mut found)?;
    Ok(found)
}

fn unpack(body: &[u8], depth: usize, found: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed("it is wrapped too deep"));
    }
    if body.len() > MAX_SHIPMENT {
        return Err(Error::TooLarge { bytes: body.len() });
    }
    if body.starts_with(&GZIP) {
        return unpack(&inflated(body)?, depth + 1, found);
    }
    if body.trim_ascii_start().starts_with(b"[") {
        let elements: Vec<&RawValue> = serde_json::from_slice(body)?;
        elements.iter().for_each(|element| found.push(record(element.get().as_bytes())));
        return Ok(());
    }
    if let Some(records) = kubernetes::records(body) {
        found.extend(records);
        return Ok(());
    }
    // A batch is one object; lines are many, or one that is no batch.
    if let Ok(batch) = serde_json::from_slice::<CloudWatch<'_>>(body) {
        if let Some(packed) = batch.awslogs {
            let data = STANDARD.decode(packed.data.as_bytes());
            let data = data.map_err(|_| Error::malformed("its awslogs.data is not base64"))?;
            return unpack(&data, depth + 1, found);
        }
        match batch.message_type.as_deref() {
            Some("DATA_MESSAGE") => {
                found.extend(batch.log_events.iter().map(|event| event.message.as_bytes().to_vec()));
                return Ok(());
            }
            Some("CONTROL_MESSAGE") => return Ok(()),
            _ => {}
        }
    }
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    found.extend(lines.filter(|line| !line.is_empty()).map(record));
    Ok(())
}

fn inflated(body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(body).take(MAX_SHIPMENT as u64 + 1).read_to_end(&mut plain);
    read.map_err(|_| Error::malformed("it cannot be unpacked"))?;
    if plain.len() > MAX_SHIPMENT {
        return Err(Error::TooLarge { bytes: plain.len() });
    }
    Ok(plain)
}

/// The record within what a shipper made of it; the line as it is when that cannot be told.
fn record(line: &[u8]) -> Vec<u8> {
    let Ok(shipped) = serde_json::from_slice::<Shipped<'_>>(line) else { return line.to_vec() };
    match (shipped.request, shipped.message.or(shipped.log)) {
        (None, Some(inner)) => match serde_json::from_str::<Cow<'_, str>>(inner.get()) {
            Ok(text) => text.trim().as_bytes().to_vec(),
            Err(_) => inner.get().as_bytes().to_vec(),
        },
        _ => line.to_vec(),
    }
}

/// Cuts a stream of bytes into lines, however it arrives.
///
/// A line of more than [`MAX_RECORD`] bytes is passed over up to its end and counted: whoever writes it is never made to
/// wait, and memory stays bounded.
#[derive(Debug, Default)]
pub struct Frames {
    begun: Vec<u8>,
    passing: bool,
    dropped: u64,
}

impl Frames {
    /// Takes in the next bytes and hands on each line that they end, without its line feed. Empty lines are left out.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.begun.is_empty() && !self.passing && head.len() <= MAX_RECORD {
                hand_on(head, &mut line);
                continue;
            }
            self.keep(head);
            if !std::mem::take(&mut self.passing) {
                hand_on(&self.begun, &mut line);
            }
            self.begun.clear();
        }
        self.keep(bytes);
    }

    /// Hands on what a stream ended with, where it did not end with a line feed.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !std::mem::take(&mut self.passing) {
            hand_on(&self.begun, &mut line);
        }
        self.begun.clear();
    }

    /// How many lines were too long.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.passing {
            return;
        }
        if self.begun.len() + bytes.len() > MAX_RECORD {
            (self.passing, self.dropped) = (true, self.dropped + 1);
            self.begun.clear();
            return;
        }
        self.begun.extend_from_slice(bytes);
    }
}

fn hand_on(bytes: &[u8], line: &mut impl FnMut(&[u8])) {
    let bytes = bytes.trim_ascii();
    if !bytes.is_empty() {
        line(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;
    use std::io::Write;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn texts(shipment: &[u8]) -> Vec<String> {
        let found = records(shipment).unwrap();
        found.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn every_way_of_shipping_gives_the_same_records() {
        let (a, b) =
            (r#"{"type":"response","request":{"id":"1"}}"#, r#"{"type":"request","request":{"id":"2"}}"#);
        let batch = json!({
            "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "vault", "logStream": "audit",
            "subscriptionFilters": ["pawl"],
            "logEvents": [{ "id": "1", "timestamp": 1, "message": a }, { "id": "2", "timestamp": 2, "message": b }],
        })
        .to_string();
        let awslogs = json!({ "awslogs": { "data": STANDARD.encode(gzip(&batch)) } }).to_string();
        let lines = format!("{a}\n\n{b}\r\n");
        let vector = [json!({ "message": a, "host": "x" }), json!({ "message": b })];
        let fluent_bit = [json!({ "date": 1.5, "log": a }), json!({ "date": 1.5, "log": format!("{b}\n") })];
        for shipment in [
            batch.clone().into_bytes(),
            gzip(&batch),
            awslogs.into_bytes(),
            lines.clone().into_bytes(),
            gzip(&lines),
            format!("[{a},{b}]").into_bytes(),
            json!(vector).to_string().into_bytes(),
            format!("{}\n{}", vector[0], vector[1]).into_bytes(),
            json!(fluent_bit).to_string().into_bytes(),
            format!(r#"[{{"message":{a}}},{{"log":{b}}}]"#).into_bytes(),
        ] {
            assert_eq!(texts(&shipment), [a, b], "{}", String::from_utf8_lossy(&shipment));
        }
    }

    #[test]
    fn a_test_of_the_destination_holds_no_record() {
        let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[
            {"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}"#;
        assert!(texts(control.as_bytes()).is_empty());
        assert!(texts(b"").is_empty() && texts(b"[]").is_empty());
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused() {
        let broken = gzip("{}")[..10].to_vec();
        let bomb = gzip(&" ".repeat(MAX_SHIPMENT + 1));
        let mut deep = b"{}".to_vec();
        for _ in 0..8 {
            deep = gzip(&json!({ "awslogs": { "data": STANDARD.encode(&deep) } }).to_string());
        }
        for body in [&broken[..], b"[{]", br#"{"awslogs":{"data":"%"}}"#, &deep] {
            assert!(matches!(records(body), Err(Error::Malformed { .. })));
        }
        assert!(matches!(records(&bomb), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let long = "x".repeat(MAX_RECORD + 1);
        let text = format!("one\n\n two \n{long}\nthree\r\n{}\nend", "y".repeat(MAX_RECORD));
        for size in [1, 2, 3, 7, 64, 4096, 1 << 20, text.len()] {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            let chunks = if size < 64 { &text.as_bytes()[..9] } else { text.as_bytes() };
            chunks.chunks(size).for_each(|chunk| frames.push(chunk, |line| found.push(line.len())));
            frames.finish(|line| found.push(line.len()));
            let whole = [3, 3, 5, MAX_RECORD, 3];
            let want = if size < 64 { &whole[..2] } else { &whole[..] };
            assert_eq!(
                (found.as_slice(), frames.dropped()),
                (want, u64::from(size >= 64)),
                "chunks of {size}"
            );
        }
    }
}
