//! Random bytes: the one place of the CA that throws dice.

use aws_lc_rs::rand;

/// `N` bytes from the operating system's generator by way of AWS-LC.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map(|()| bytes).map_err(|_| NoRandomness)
}

/// The random generator failed; nothing is issued without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the random generator of this machine failed")]
pub struct NoRandomness;
