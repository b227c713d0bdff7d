//! The addresses that this subscriber uses: looked up once, kept fresh by the CA, forgotten when unused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bulkhead_mesh::Resolution;

use super::{Action, Lost};
use crate::convert::address_bytes;
use crate::feed::{AddressAnswer, Incarnation, Limits};
use crate::v1::{self, watch_request::Message};

/// A bounded cache, of which the CA knows the keys.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    entries: BTreeMap<IpAddr, Entry>,
    /// The addresses by their last use, for finding the one unused for longest.
    by_use: BTreeMap<(Duration, u64), IpAddr>,
    uses: u64,
    ignored: u64,
}

#[derive(Debug)]
struct Entry {
    known: Option<Known>,
    asked: Asked,
    used: (Duration, u64),
}

#[derive(Debug)]
struct Known {
    incarnation: Incarnation,
    version: u64,
    resolution: Resolution,
}

/// What an address was last asked for on the present stream, while there is no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    Cached,
    Afresh,
}

/// How good an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// What is known is good enough.
    Cached,
    /// What is known does not fit what was met there: ask the CA's store.
    Afresh,
}

impl Addresses {
    /// What is known of an address. If that is not good enough the question is added to `actions`, unless it has been
    /// put already; without a stream it waits for the next one.
    pub(super) fn lookup(
        &mut self,
        address: IpAddr,
        how: Lookup,
        now: Duration,
        stream: bool,
        limits: &Limits,
        actions: &mut impl Extend<Action>,
    ) -> Option<&Resolution> {
        let forgotten = self.touch(address, now, limits.addresses);
        actions.extend(forgotten.filter(|_| stream).map(forget));
        let entry = self.entries.get_mut(&address)?;
        let wanted = match how {
            Lookup::Cached if entry.known.is_some() => Asked::Nothing,
            Lookup::Cached => Asked::Cached,
            Lookup::Afresh => Asked::Afresh,
        };
        if wanted > entry.asked {
            entry.asked = wanted;
            actions.extend(stream.then(|| ask(address, wanted)));
        }
        entry.known.as_ref().filter(|_| how == Lookup::Cached).map(|known| &known.resolution)
    }

    /// The questions to put on a new stream: everything in use, for the CA does not know it from the last one.
    pub(super) fn questions(&mut self) -> impl Iterator<Item = Action> {
        self.entries.iter_mut().map(|(address, entry)| {
            entry.asked = entry.asked.max(Asked::Cached);
            ask(*address, entry.asked)
        })
    }

    /// Takes an answer: what is new at the address, or what somebody waits for.
    pub(super) fn answer(&mut self, answer: AddressAnswer, current: Incarnation) -> Result<Option<Action>, Lost> {
        let AddressAnswer { incarnation, address, version, resolution } = answer;
        if incarnation != current {
            return Err(Lost::AddressOfOtherHistory { found: incarnation, current });
        }
        let entry = self.entries.get_mut(&address);
        let Some(entry) = entry.filter(|entry| entry.accepts(incarnation, version, &resolution)) else {
            self.ignored += 1;
            return Ok(None);
        };
        entry.asked = Asked::Nothing;
        entry.known = Some(Known { incarnation, version, resolution: resolution.clone() });
        Ok(Some(Action::Resolved(address, resolution)))
    }

    /// Forgets what nobody has looked up for a while.
    pub(super) fn retire(&mut self, now: Duration, stream: bool, limits: &Limits, actions: &mut impl Extend<Action>) {
        while let Some(address) = self.idle_at(limits).filter(|at| *at <= now).and_then(|_| self.drop_oldest()) {
            actions.extend(stream.then(|| forget(address)));
        }
    }

    /// When the next address has been idle for long enough.
    pub(super) fn idle_at(&self, limits: &Limits) -> Option<Duration> {
        self.by_use.keys().next().map(|(used, _)| used.saturating_add(limits.address_idle))
    }

    /// Answers that nobody had asked for, or that went back to an earlier version.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// How many addresses are in use.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Notes a use; the address that made room, if one had to.
    fn touch(&mut self, address: IpAddr, now: Duration, most: usize) -> Option<IpAddr> {
        self.uses += 1;
        let used = (now, self.uses);
        self.by_use.insert(used, address);
        if let Some(entry) = self.entries.get_mut(&address) {
            self.by_use.remove(&std::mem::replace(&mut entry.used, used));
            return None;
        }
        self.entries.insert(address, Entry { known: None, asked: Asked::Nothing, used });
        if self.entries.len() > most.max(1) { self.drop_oldest() } else { None }
    }

    fn drop_oldest(&mut self) -> Option<IpAddr> {
        let (_, address) = self.by_use.pop_first()?;
        self.entries.remove(&address).map(|_| address)
    }
}

impl Entry {
    /// Versions never go back within a history, and one version has one meaning.
    fn accepts(&self, incarnation: Incarnation, version: u64, resolution: &Resolution) -> bool {
        let Some(known) = self.known.as_ref().filter(|known| known.incarnation == incarnation) else { return true };
        version > known.version || (version == known.version && *resolution == known.resolution)
    }
}

fn ask(address: IpAddr, asked: Asked) -> Action {
    Message::Lookup(v1::Lookup { address: address_bytes(address), afresh: asked == Asked::Afresh }).into()
}

fn forget(address: IpAddr) -> Action {
    Message::Forget(v1::Forget { address: address_bytes(address) }).into()
}
