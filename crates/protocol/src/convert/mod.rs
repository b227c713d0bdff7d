//! Protobuf messages to the types of the mesh and back; what cannot be converted is refused by the name of its field.

mod address;
mod cutoff;
mod registration;
mod statement;

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

pub use registration::Registration;
pub use statement::{StatementError, policy_json};

/// Which field of a message has no meaning in a mesh, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ConvertError {
    #[error("field `{field}` has {found} bytes instead of {expected}")]
    Length { field: &'static str, found: usize, expected: &'static str },
    #[error("field `{field}`: {problem}")]
    Text { field: &'static str, problem: String },
    #[error("field `{field}` is missing")]
    Missing { field: &'static str },
    #[error("field `{field}` has a number that does not fit: {found}")]
    Number { field: &'static str, found: u64 },
}

/// Reads a name through its parser.
pub fn read_text<T: FromStr<Err: Display>>(field: &'static str, text: &str) -> Result<T, ConvertError> {
    text.parse().map_err(|problem: T::Err| ConvertError::Text { field, problem: problem.to_string() })
}

/// Reads exactly `N` bytes.
pub fn read_bytes<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], ConvertError> {
    bytes.try_into().map_err(|_| ConvertError::Length { field, found: bytes.len(), expected: expected_length(N) })
}

/// Reads an address of 4 or 16 bytes; an IPv4 address inside an IPv6 one is the IPv4 address.
pub fn read_address(field: &'static str, bytes: &[u8]) -> Result<IpAddr, ConvertError> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(bytes).map(|octets| IpAddr::from(octets).to_canonical());
    v4.or(v6).map_err(|_| ConvertError::Length { field, found: bytes.len(), expected: "4 or 16" })
}

/// Reads a port, 1 to 65535.
pub fn read_port(field: &'static str, number: u32) -> Result<u16, ConvertError> {
    u16::try_from(number).ok().filter(|port| *port != 0).ok_or(ConvertError::Number { field, found: number.into() })
}

/// An address as 4 or 16 bytes.
pub fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

const fn expected_length(bytes: usize) -> &'static str {
    match bytes {
        16 => "16",
        32 => "32",
        _ => "another number",
    }
}
