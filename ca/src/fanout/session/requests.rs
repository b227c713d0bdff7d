//! What a watcher says: which addresses it uses, and up to where it enforces the facts.

use bulkhead_protocol::convert::read_address;
use bulkhead_protocol::v1::{self, watch_request};
use tonic::Status;

use super::Session;
use crate::denied::Denied;
use crate::fanout::Acknowledgement;

impl Session {
    pub(super) fn hear(&mut self, message: watch_request::Message) -> Result<(), Status> {
        match message {
            watch_request::Message::Hello(_) => Err(Status::invalid_argument("Hello was said before")),
            watch_request::Message::Enforced(enforced) => self.acknowledge(enforced),
            watch_request::Message::Lookup(lookup) => self.look_up(&lookup),
            watch_request::Message::Forget(forget) => self.forget(&forget),
        }
    }

    fn look_up(&mut self, lookup: &v1::Lookup) -> Result<(), Status> {
        let (address, most) =
            (read_address("lookup.address", &lookup.address).map_err(Denied::from)?, self.ca.settings.watch.addresses);
        if self.asked.len() >= most && !self.asked.contains(&address) {
            return Err(Status::resource_exhausted(format!("one watcher may use {most} addresses at a time")));
        }
        self.asked.insert(address);
        self.due.insert(address);
        Ok(())
    }

    fn forget(&mut self, forget: &v1::Forget) -> Result<(), Status> {
        let address = read_address("forget.address", &forget.address).map_err(Denied::from)?;
        self.asked.remove(&address);
        self.due.remove(&address);
        Ok(())
    }

    fn acknowledge(&mut self, enforced: v1::Enforced) -> Result<(), Status> {
        let said = self.subscription.acknowledge(enforced);
        let said = said.map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Some(open) = &self.acknowledging {
            let (position, connections_closed) = (said.position, said.connections_closed);
            open.acknowledge(Acknowledgement { position, at: self.ca.now(), connections_closed });
        }
        Ok(())
    }
}
