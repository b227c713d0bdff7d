//! Whether a request may be answered: the SPIFFE header against forged requests, then the caller's user and group.

use tonic::metadata::MetadataMap;
use tonic::transport::server::UdsConnectInfo;
use tonic::{Extensions, Status};

use crate::metrics::RefusedCall;
use crate::sockets::Owner;

/// Why a call is refused before anything is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub(super) enum CallError {
    #[error("the request lacks the metadata `{HEADER}: true`, which every Workload API client sends")]
    Header,
    #[error("this socket is for uid {}, gid {}; the caller has uid {}, gid {}", .expected.uid, .expected.gid, .found.uid, .found.gid)]
    Caller { expected: Owner, found: Owner },
    #[error("the kernel did not say who the caller is")]
    Unknown,
}

/// Checks a request; root is no exception, for a socket is one workload's.
pub(super) fn check(metadata: &MetadataMap, extensions: &Extensions, expected: Owner) -> Result<(), CallError> {
    check_header(metadata)?;
    let credentials = extensions.get::<UdsConnectInfo>().and_then(|info| info.peer_cred).ok_or(CallError::Unknown)?;
    let found = Owner { uid: credentials.uid(), gid: credentials.gid() };
    if found == expected { Ok(()) } else { Err(CallError::Caller { expected, found }) }
}

/// SPIFFE Workload Endpoint, section 3: exactly this key and value, in every request.
fn check_header(metadata: &MetadataMap) -> Result<(), CallError> {
    let mut values = metadata.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if value.as_bytes() == b"true" => Ok(()),
        _ => Err(CallError::Header),
    }
}

impl CallError {
    /// How it is counted.
    pub(super) const fn counted(self) -> RefusedCall {
        match self {
            Self::Header => RefusedCall::Header,
            Self::Caller { .. } | Self::Unknown => RefusedCall::Caller,
        }
    }
}

impl From<CallError> for Status {
    /// SPIFFE Workload Endpoint, appendix A.
    fn from(error: CallError) -> Self {
        match error {
            CallError::Header => Self::invalid_argument(error.to_string()),
            CallError::Caller { .. } | CallError::Unknown => Self::permission_denied(error.to_string()),
        }
    }
}

const HEADER: &str = "workload.spiffe.io";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_exactly_one_true() {
        for (values, accepted) in
            [(&["true"][..], true), (&[], false), (&["True"], false), (&["false"], false), (&["true", "true"], false)]
        {
            let mut metadata = MetadataMap::new();
            for value in values {
                metadata.append(HEADER, value.parse().unwrap());
            }
            assert_eq!(check_header(&metadata).is_ok(), accepted, "{values:?}");
        }
    }

    #[test]
    fn a_caller_that_the_kernel_does_not_name_is_refused() {
        let mut metadata = MetadataMap::new();
        metadata.append(HEADER, "true".parse().unwrap());
        let nobody = Owner { uid: 0, gid: 0 };
        assert_eq!(check(&metadata, &Extensions::new(), nobody), Err(CallError::Unknown));
    }
}
