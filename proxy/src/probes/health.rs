//! The two messages of `grpc.health.v1.Health/Check`, by hand: one string is written, one number is read.
//!
//! Only `protocol` knows protobuf types, and they are of Bulkhead's own contract; for two fields of another's neither
//! a generated type nor its compiler is needed.

use std::fmt;

/// What a server says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It serves.
    Serving,
    /// It does not serve.
    NotServing,
    /// The server does not know it.
    ServiceUnknown,
    /// The server does not say.
    Unknown,
}

/// `HealthCheckRequest { service }` in the frame of a gRPC message: not compressed, its length, itself.
pub(super) fn question(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    // A field with its default value is not written (the encoding of proto3).
    if !service.is_empty() {
        message.push(SERVICE);
        write_number(&mut message, service.len());
        message.extend_from_slice(service.as_bytes());
    }
    // What is longer than a frame can say is refused by whoever reads it.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [[NOT_COMPRESSED].as_slice(), &length.to_be_bytes(), &message].concat()
}

/// The `status` of a `HealthCheckResponse` in its frame; none where the bytes are not exactly one such.
pub(super) fn read(frame: &[u8]) -> Option<Health> {
    let (head, message) = frame.split_first_chunk::<5>()?;
    let [compressed, length @ ..] = *head;
    if compressed != NOT_COMPRESSED || usize::try_from(u32::from_be_bytes(length)).ok()? != message.len() {
        return None;
    }
    Some(match status(message)? {
        1 => Health::Serving,
        2 => Health::NotServing,
        3 => Health::ServiceUnknown,
        _ => Health::Unknown,
    })
}

/// The last one counts, a missing one is 0, and fields that are not known are passed over: so protobuf has it.
fn status(mut message: &[u8]) -> Option<u64> {
    let mut status = 0;
    while !message.is_empty() {
        match read_number(&mut message)? {
            STATUS => status = read_number(&mut message)?,
            field => pass_over(field & 7, &mut message)?,
        }
    }
    Some(status)
}

fn pass_over(wire_type: u64, message: &mut &[u8]) -> Option<()> {
    let length = match wire_type {
        0 => return read_number(message).map(drop),
        1 => 8,
        2 => usize::try_from(read_number(message)?).ok()?,
        5 => 4,
        _ => return None,
    };
    *message = message.get(length..)?;
    Some(())
}

/// A number in groups of seven bits, the lowest first, at most ten of them.
fn read_number(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn write_number(message: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        message.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    message.push(number.to_le_bytes()[0]);
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::ServiceUnknown => "SERVICE_UNKNOWN",
            Self::Unknown => "UNKNOWN",
        })
    }
}

const NOT_COMPRESSED: u8 = 0;
/// Field 1, whose length is written before it.
const SERVICE: u8 = (1 << 3) | 2;
/// Field 1, a number.
const STATUS: u64 = 1 << 3;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_question_is_written_as_protobuf_has_it() {
        assert_eq!(question(""), [0, 0, 0, 0, 0]);
        assert_eq!(question("db"), b"\0\0\0\0\x04\x0a\x02db");
        assert!(question(&"a".repeat(300)).starts_with(b"\0\0\0\x01\x2f\x0a\xac\x02a"));
    }

    #[test]
    fn the_answer_is_read_as_protobuf_has_it() {
        check(b"", Some(Health::Unknown));
        check(b"\x08\x01", Some(Health::Serving));
        check(b"\x08\x02", Some(Health::NotServing));
        check(b"\x08\x03", Some(Health::ServiceUnknown));
        check(b"\x08\x81\x00", Some(Health::Serving));
        check(b"\x08\x02\x08\x01", Some(Health::Serving));
        check(b"\x12\x02ab\x25\x01\x02\x03\x04\x20\x07\x08\x01", Some(Health::Serving));
        check(b"\x19\x01\x02\x03\x04\x05\x06\x07\x08\x08\x01", Some(Health::Serving));
        check(b"\x08", None);
        check(b"\x08\x80", None);
        check(b"\x12\x03ab", None);
        check(b"\x0b\x08\x01", None);
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None);
    }

    fn check(message: &[u8], expected: Option<Health>) {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let frame = [[NOT_COMPRESSED].as_slice(), &length, message].concat();
        assert_eq!(read(&frame), expected, "{message:x?}");
    }

    #[test]
    fn what_is_not_one_whole_frame_is_not_read() {
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\0\0\0\0"), None);
        assert_eq!(read(b"\x01\0\0\0\x02\x08\x01"), None, "compressed");
        assert_eq!(read(b"\0\0\0\0\x03\x08\x01"), None, "too short");
        assert_eq!(read(b"\0\0\0\0\x02\x08\x01\0"), None, "too long");
    }

    proptest! {
        #[test]
        fn no_byte_string_makes_the_reader_panic(frame in vec(any::<u8>(), 0..64), message in vec(any::<u8>(), 0..64)) {
            let _ = (read(&frame), status(&message));
        }

        #[test]
        fn a_number_is_read_as_it_was_written(number: usize) {
            let mut written = Vec::new();
            write_number(&mut written, number);
            prop_assert_eq!(read_number(&mut written.as_slice()), u64::try_from(number).ok());
        }
    }
}
