//! Cables that lose everything: what is sent into one gets no answer, not even a reset.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::tool;

/// Which of the bridge's ports are cut off, from everybody or from one another.
///
/// Frames are lost between the bridge's ports, so a capture on the bridge shows what a cut host sends, and only that.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Cuts>);

#[derive(Default)]
struct Cuts {
    ports: BTreeSet<String>,
    pairs: BTreeSet<(String, String)>,
}

impl Faults {
    /// Lays the rules, which drop nothing yet.
    pub(crate) fn install(switch: &Namespace) -> Result<(), LabError> {
        nft(switch, RULES)
    }

    pub(crate) fn cut(&self, switch: &Namespace, port: &str) -> Result<(), LabError> {
        self.change(switch, |cuts| {
            cuts.ports.insert(port.to_owned());
        })
    }

    pub(crate) fn cut_between(&self, switch: &Namespace, one: &str, other: &str) -> Result<(), LabError> {
        self.change(switch, |cuts| {
            cuts.pairs.insert((one.to_owned(), other.to_owned()));
            cuts.pairs.insert((other.to_owned(), one.to_owned()));
        })
    }

    /// Undoes every cut of this port.
    pub(crate) fn heal(&self, switch: &Namespace, port: &str) -> Result<(), LabError> {
        self.change(switch, |cuts| {
            cuts.ports.remove(port);
            cuts.pairs.retain(|(one, other)| one != port && other != port);
        })
    }

    fn change(&self, switch: &Namespace, change: impl FnOnce(&mut Cuts)) -> Result<(), LabError> {
        // A poisoned lock only says that another test panicked; the sets are valid at every moment.
        let mut cuts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut cuts);
        nft(switch, &cuts.as_transaction())
    }
}

impl Cuts {
    fn as_transaction(&self) -> String {
        let mut text = "flush set bridge lab ports\nflush set bridge lab pairs\n".to_owned();
        for port in &self.ports {
            writeln!(text, "add element bridge lab ports {{ \"{port}\" }}").expect("writing to a String cannot fail");
        }
        for (one, other) in &self.pairs {
            writeln!(text, "add element bridge lab pairs {{ \"{one}\" . \"{other}\" }}")
                .expect("writing to a String cannot fail");
        }
        text
    }
}

fn nft(switch: &Namespace, rules: &str) -> Result<(), LabError> {
    let mut command = switch.enter();
    command.args(["nft", "-f", "-"]);
    tool::run(command, rules).map(drop)
}

/// Address resolution passes: without it a new connection would fail with "no route to host" after three seconds,
/// which is an answer of a kind, and a cut gives none.
const RULES: &str = "
table bridge lab {
    set ports { type ifname; }
    set pairs { type ifname . ifname; }
    chain forward {
        type filter hook forward priority 0
        ether type arp accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        iifname @ports drop
        oifname @ports drop
        iifname . oifname @pairs drop
    }
}";
