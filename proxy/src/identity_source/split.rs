//! Takes concatenated DER certificates apart (X.509-SVID messages of the Workload API).

use rustls_pki_types::CertificateDer;

/// The certificates in these bytes: one whole SEQUENCE after the other, and nothing else.
pub(super) fn split(bytes: &[u8], limits: SplitLimits) -> Result<Vec<CertificateDer<'static>>, SplitError> {
    let (mut rest, mut certificates) = (bytes, Vec::new());
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        if certificates.len() == limits.certificates {
            return Err(SplitError::TooMany { limit: limits.certificates });
        }
        let length = sequence_length(rest).ok_or(SplitError::NotDer { offset })?;
        if length > limits.certificate_bytes {
            return Err(SplitError::TooLarge { bytes: length, limit: limits.certificate_bytes });
        }
        let (certificate, after) = rest.split_at_checked(length).ok_or(SplitError::NotDer { offset })?;
        certificates.push(CertificateDer::from(certificate.to_vec()));
        rest = after;
    }
    Ok(certificates)
}

/// How much is taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitLimits {
    pub(super) certificates: usize,
    pub(super) certificate_bytes: usize,
}

/// Why bytes are not certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum SplitError {
    #[error("byte {offset} does not begin a whole DER SEQUENCE (X.690, section 8.1)")]
    NotDer { offset: usize },
    #[error("there are more than {limit} certificates")]
    TooMany { limit: usize },
    #[error("a certificate has {bytes} bytes; the limit is {limit}")]
    TooLarge { bytes: usize, limit: usize },
}

/// The length of the SEQUENCE that begins here, its header included; DER writes a length in as few bytes as it can
/// (X.690, section 10.1), and no certificate of ours needs more than two.
fn sequence_length(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [0x30, short @ 0..=0x7f, ..] => Some(2 + usize::from(short)),
        [0x30, 0x81, long @ 0x80..=0xff, ..] => Some(3 + usize::from(long)),
        [0x30, 0x82, high @ 1..=0xff, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: SplitLimits = SplitLimits { certificates: 3, certificate_bytes: 1000 };

    fn sequence(content: usize) -> Vec<u8> {
        let length = u16::try_from(content).unwrap().to_be_bytes();
        let header = match content {
            0..=0x7f => vec![0x30, length[1]],
            0x80..=0xff => vec![0x30, 0x81, length[1]],
            _ => vec![0x30, 0x82, length[0], length[1]],
        };
        [header, vec![7; content]].concat()
    }

    #[test]
    fn what_was_joined_is_taken_apart() {
        let parts = [sequence(0), sequence(0x80), sequence(900)];
        let split = split(&parts.concat(), LIMITS).unwrap();
        assert_eq!(split.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), parts);
    }

    #[test]
    fn nothing_but_whole_certificates_is_taken() {
        let check = |bytes: &[u8], expected| assert_eq!(split(bytes, LIMITS), Err(expected));
        let whole = sequence(5);
        check(&[&whole[..], &[0]].concat(), SplitError::NotDer { offset: 7 });
        check(&[&whole[..], &whole[..6]].concat(), SplitError::NotDer { offset: 7 });
        check(&[0x31, 0], SplitError::NotDer { offset: 0 });
        check(&[0x30, 0x80, 0, 0], SplitError::NotDer { offset: 0 });
        check(&[&[0x30, 0x81, 5], &[0; 5][..]].concat(), SplitError::NotDer { offset: 0 });
        check(&[&[0x30, 0x82, 0, 0x80], &[0; 0x80][..]].concat(), SplitError::NotDer { offset: 0 });
        check(&sequence(997), SplitError::TooLarge { bytes: 1001, limit: 1000 });
        check(&sequence(1).repeat(4), SplitError::TooMany { limit: 3 });
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_is_taken_is_everything(bytes in any::<Vec<u8>>()) {
            if let Ok(certificates) = split(&bytes, LIMITS) {
                prop_assert_eq!(certificates.iter().flat_map(|one| one.to_vec()).collect::<Vec<_>>(), bytes);
            }
        }
    }
}
