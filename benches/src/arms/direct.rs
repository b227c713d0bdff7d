//! No proxy: what the path costs by itself, and the arm by which the harness shows that it can see plaintext.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;
use bulkhead_measure::work::Cold;

use super::{Ground, pods};
use crate::arm::{About, Arm, ArmName, Ends, Protection, ProxyProcess};

/// Two pods and nothing between.
pub(super) struct Direct {
    name: ArmName,
    about: About,
    ends: Ends,
}

impl Direct {
    pub(super) fn new(name: ArmName, ground: &Ground<'_>) -> Result<Self> {
        let ends = pods::ends(ground.one, ground.two, &name)?;
        pods::prepare(&ends.client)?;
        pods::prepare(&ends.server)?;
        let about = About {
            summary: "No proxy: the client connects to the server, in clear.".to_owned(),
            versions: BTreeMap::new(),
            configuration: BTreeMap::from([("kernel parameters".to_owned(), pods::described(&ends.client)?)]),
            protection: Protection::None,
            pooled: false,
            key_exchange: None,
            cipher_suite: None,
        };
        Ok(Self { name, about, ends })
    }
}

impl Arm for Direct {
    fn name(&self) -> &ArmName {
        &self.name
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn ends(&self) -> &Ends {
        &self.ends
    }

    fn start(&mut self) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        Ok(())
    }

    fn processes(&self) -> Result<Vec<ProxyProcess>> {
        Ok(Vec::new())
    }

    fn cold(&self) -> Result<Option<(SocketAddr, Cold)>> {
        Ok(None)
    }

    fn log(&self) -> String {
        String::new()
    }
}
