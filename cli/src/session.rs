//! What every command has at hand: a way to the CA, taken when it is needed, and a way to show records.

use bulkhead_identity::clock::{Clock, SystemClock};

use crate::CliError;
use crate::args::Connection;
use crate::client::Client;
use crate::identity::{Environment, Operator};
use crate::print::{self, Output, Shown};

/// One run of the command.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    output: Output,
}

impl Session {
    /// A run with these flags.
    pub fn new(connection: Connection, output: Output) -> Self {
        Self { connection, output }
    }

    /// Reads the operator's key and connects. Nothing is sent to anybody but the CA.
    pub async fn client(&self) -> Result<Client, CliError> {
        let Connection { ca, identity, roots } = &self.connection;
        let environment = Environment::of_this_process();
        let operator =
            Operator::read(identity.as_deref(), roots.as_deref(), &environment, SystemClock::default().now())?;
        if ca.is_empty() {
            return Err(CliError::NoCa);
        }
        let addresses: Vec<_> = ca.iter().map(ToString::to_string).collect();
        Ok(Client::connect(&addresses, operator).await?)
    }

    /// Shows a record on stdout.
    pub fn show(&self, shown: &(impl Shown + ?Sized)) -> Result<(), CliError> {
        print::data(self.output, shown)
    }
}
