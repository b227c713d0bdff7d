//! The classic pcap file format: a header of 24 bytes, then packets behind headers of 16 (pcap-savefile(5)).

use std::time::{Duration, SystemTime};

/// One frame as it was on the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) at: SystemTime,
    pub(crate) bytes: Vec<u8>,
}

/// The complete frames of a capture file; `None` if it is no capture of Ethernet by this machine.
pub(crate) fn frames(file: &[u8]) -> Option<Vec<Frame>> {
    let (header, mut rest) = file.split_at_checked(24)?;
    let nanoseconds_per_unit = match number(header, 0)? {
        NANOSECONDS => 1,
        MICROSECONDS => 1000,
        _ => return None,
    };
    if number(header, 20)? != ETHERNET {
        return None;
    }
    let mut frames = Vec::new();
    while let Some((frame, behind)) = first_frame(rest, nanoseconds_per_unit) {
        frames.push(frame);
        rest = behind;
    }
    Some(frames)
}

fn first_frame(bytes: &[u8], nanoseconds_per_unit: u32) -> Option<(Frame, &[u8])> {
    let (header, rest) = bytes.split_at_checked(16)?;
    let (captured, behind) = rest.split_at_checked(usize::try_from(number(header, 8)?).ok()?)?;
    let nanoseconds = u64::from(number(header, 4)?) * u64::from(nanoseconds_per_unit);
    let since_1970 = Duration::from_secs(number(header, 0)?.into()) + Duration::from_nanos(nanoseconds);
    Some((Frame { at: SystemTime::UNIX_EPOCH + since_1970, bytes: captured.to_owned() }, behind))
}

/// The writer's byte order, which is ours: `tcpdump` ran on this machine.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const ETHERNET: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(numbers: &[u32], tail: &[u8]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).chain(tail.iter().copied()).collect()
    }

    #[test]
    fn a_frame_that_is_still_being_written_is_left_out() {
        let header = [NANOSECONDS, 0, 0, 0, 65_535, ETHERNET];
        let complete = file(&[&header[..], &[7, 5, 3, 3]].concat(), b"abc");
        let at = SystemTime::UNIX_EPOCH + Duration::new(7, 5);
        let expected = vec![Frame { at, bytes: b"abc".to_vec() }];
        assert_eq!(frames(&complete), Some(expected));
        assert_eq!(frames(&complete[..complete.len() - 1]), Some(Vec::new()));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(frames(b""), None);
        assert_eq!(frames(&file(&[0x0a0d_0d0a, 0, 0, 0, 0, ETHERNET], b"")), None, "pcapng");
        assert_eq!(frames(&file(&[NANOSECONDS, 0, 0, 0, 0, 113], b"")), None, "Linux cooked capture");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(tail in any::<Vec<u8>>()) {
            frames(&file(&[MICROSECONDS, 0, 0, 0, 0, ETHERNET], &tail)).unwrap();
        }
    }
}
