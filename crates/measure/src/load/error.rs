//! Why there is no sample.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::clocks::ClockError;

/// Why a load generator has nothing to say, or an application nothing to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The order contradicts itself.
    #[error("the order cannot be followed: {why}")]
    Order {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address is taken, or is not this host's.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The process may not open as many sockets as the order asks for.
    #[error("{needed} descriptors are needed, but only {limit} may be open (raise the hard limit: `ulimit -Hn`)")]
    Descriptors {
        /// How many.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The limit of descriptors cannot be read or raised.
    #[error("cannot raise the limit of open descriptors")]
    Limit {
        /// Why not.
        source: io::Error,
    },
    /// The first operation failed.
    #[error("nothing has worked against {target}: {first}")]
    NothingWorked {
        /// Against whom.
        target: SocketAddr,
        /// How it failed.
        first: String,
    },
    /// Something worked, but not in the measured time.
    #[error("nothing came to its end in the measured time against {target}: {first}")]
    NothingMeasured {
        /// Against whom.
        target: SocketAddr,
        /// The first failure, or that there was none.
        first: String,
    },
    /// A connection hangs.
    #[error("the work against {target} was not over after {limit:?}; {ended} operations had ended: {first}")]
    Late {
        /// Against whom.
        target: SocketAddr,
        /// The deadline of the run.
        limit: Duration,
        /// How many operations had ended.
        ended: u64,
        /// The first failure, or that there was none.
        first: String,
    },
    /// A clock cannot be read, e.g. because a watched process has gone.
    #[error("cannot read the clocks")]
    Clock(#[from] ClockError),
    /// The timer that paces requests cannot be made.
    #[error("cannot make a timer")]
    Timer {
        /// Why not.
        source: io::Error,
    },
    /// The client's key, its chain or the roots cannot be read.
    #[error("cannot read {}", path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: rustls_pki_types::pem::Error,
    },
    /// The client's key, its chain or the roots cannot be used.
    #[error("cannot speak TLS with what is in {}", path.display())]
    Tls {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}
