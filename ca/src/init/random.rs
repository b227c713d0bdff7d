//! Random bytes of the operating system, for the one command that founds an authority.

use super::InitError;

/// Fresh random bytes.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], InitError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| InitError::Random)?;
    Ok(bytes)
}
