//! A plain TCP relay at both ends, with Bulkhead's own copy loop: what remains of the proxy when TLS is taken away.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::pair::{Pair, Site, Words};
use super::{Ground, programs};
use crate::arm::{About, ArmName, Protection};

/// `program` is the example `relay` of bulkhead-proxy.
pub(super) fn pair(name: ArmName, program: &Path, ground: &Ground<'_>) -> Result<Pair> {
    let site = Site::make(&name, ground)?;
    let program = ground.lab.install(program)?.display().to_string();
    let threads = programs::threads().to_string();
    let words = |rest: &[&str]| -> Words {
        [program.as_str(), "--threads", &threads].iter().chain(rest).map(ToString::to_string).collect()
    };
    let application = site.ends.service.to_string();
    let (client, server) = (words(&["client"]), words(&["server", "--application", &application]));
    Pair::new(name, about(&program), site, client, server)
}

fn about(program: &str) -> About {
    let version = programs::asked(Path::new(program), &["--version"]).unwrap_or_default();
    About {
        summary: "A TCP relay at both ends with Bulkhead's own copy loop, in clear; it writes no line per connection."
            .to_owned(),
        versions: BTreeMap::from([("relay".to_owned(), version.trim().to_owned())]),
        configuration: BTreeMap::new(),
        protection: Protection::Relayed,
        pooled: false,
        key_exchange: None,
        cipher_suite: None,
    }
}
