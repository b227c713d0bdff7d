//! Pods, services and what answers them, as they are known now; and the writes that bring the CA to the same knowledge.
//!
//! The three kinds come from three watches, in any order between them. A stream of writes begins with everything and goes on
//! with what changes; while there is none, only the knowledge goes on, so that nothing piles up.

use std::collections::{BTreeSet, HashMap};

use bulkhead_mesh::{InstanceId, ServiceName};
use bulkhead_protocol::v1;

use super::super::cluster::{Beyond, Change, Listed, Pod, Service, Slice, SliceName, Took};
use super::batch::{Batch, Room, Said};
use super::entry::{self, Cut};
use super::outbox::{Item, Outbox, Unexpected};

/// How much is kept, and how much is said at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pods that are kept.
    pub pods: usize,
    /// Services that are kept.
    pub services: usize,
    /// Endpoints that are kept, of all services together.
    pub endpoints: usize,
    /// Pods and services of which one write speaks.
    pub items: usize,
    /// About how many bytes a write has; a single service may need more, and less than 2 MB.
    pub bytes: usize,
    /// Writes that wait for the CA's answer.
    pub unanswered: u64,
}

impl Default for Limits {
    /// More than Kubernetes' own thresholds (150 000 pods, 10 000 services), and what one transaction of the CA takes.
    fn default() -> Self {
        Self { pods: 200_000, services: 20_000, endpoints: 500_000, items: 1000, bytes: 512 * 1024, unanswered: 4 }
    }
}

/// One message to the CA.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// What is said.
    pub message: v1::DirectoryWrite,
    /// Of which services too much is there to be said.
    pub cuts: Vec<Cut>,
}

/// The knowledge, and what of it is still to be said.
#[derive(Debug)]
pub struct Directory {
    pods: Listed<InstanceId, Pod>,
    services: Listed<ServiceName, Service>,
    slices: Listed<SliceName, Slice>,
    slices_of: HashMap<ServiceName, BTreeSet<SliceName>>,
    /// Endpoints of all slices.
    endpoints: usize,
    outbox: Outbox,
    limits: Limits,
}

impl Directory {
    /// Nothing is known yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            pods: Listed::new(limits.pods),
            services: Listed::new(limits.services),
            slices: Listed::new(limits.endpoints),
            slices_of: HashMap::new(),
            endpoints: 0,
            outbox: Outbox::default(),
            limits,
        }
    }

    /// Takes what was seen of pods.
    pub fn see_pod(&mut self, change: Change<InstanceId, Pod>) -> Result<(), Beyond> {
        match self.pods.take(change)? {
            Took::Nothing => {}
            Took::New(uid) | Took::Changed(uid, _) => self.pod_has_changed(uid),
            Took::Gone(gone) => gone.into_iter().for_each(|(uid, _)| self.pod_has_changed(uid)),
        }
        Ok(())
    }

    /// Takes what was seen of services.
    pub fn see_service(&mut self, change: Change<ServiceName, Service>) -> Result<(), Beyond> {
        match self.services.take(change)? {
            Took::Nothing => {}
            Took::New(name) | Took::Changed(name, _) => self.service_has_changed(name),
            Took::Gone(gone) => gone.into_iter().for_each(|(name, _)| self.service_has_changed(name)),
        }
        Ok(())
    }

    /// Takes what was seen of what answers services.
    pub fn see_slice(&mut self, change: Change<SliceName, Slice>) -> Result<(), Beyond> {
        if let Change::Seen(name, slice) = &change {
            let before = self.slices.get(name).map_or(0, |slice| slice.endpoints.len());
            if self.endpoints - before + slice.endpoints.len() > self.limits.endpoints {
                // What it said before is not true any more.
                self.see_slice(Change::Gone(name.clone()))?;
                return Err(Beyond { most: self.limits.endpoints });
            }
        }
        match self.slices.take(change)? {
            Took::Nothing => {}
            Took::New(name) => self.slice_comes(name),
            Took::Changed(name, old) => {
                self.slice_goes(&name, &old);
                self.slice_comes(name);
            }
            Took::Gone(gone) => gone.iter().for_each(|(name, old)| self.slice_goes(name, old)),
        }
        Ok(())
    }

    /// Whether pods, services and slices were each listed at least once.
    pub fn is_whole(&self) -> bool {
        self.pods.is_whole() && self.services.is_whole() && self.slices.is_whole()
    }

    /// The pods that have not ended.
    pub fn pods(&self) -> &Listed<InstanceId, Pod> {
        &self.pods
    }

    /// How many services and endpoints are kept.
    pub fn counts(&self) -> [usize; 2] {
        [self.services.len(), self.endpoints]
    }

    /// A stream to the CA begins, and with it everything is to be said. False while not everything is known.
    pub fn begin(&mut self) -> bool {
        if !self.is_whole() {
            return false;
        }
        let pods = self.pods.iter().filter(|(_, pod)| entry::is_told(pod)).map(|(uid, _)| Item::Pod(*uid));
        let services = self.services.iter().map(|(name, _)| Item::Service(name.clone()));
        self.outbox = Outbox::begin(pods.chain(services));
        true
    }

    /// The stream is over.
    pub fn end(&mut self) {
        self.outbox = Outbox::default();
    }

    /// The next write of the stream, if there is something to say and not too much is unanswered.
    pub fn next_write(&mut self) -> Option<Write> {
        if !self.outbox.wants() || self.outbox.unanswered() >= self.limits.unanswered {
            return None;
        }
        let mut batch = Batch::default();
        while self.say_next(&mut batch) {}
        if batch.is_empty() && !self.outbox.owes_end() {
            return None;
        }
        let (number, complete) = self.outbox.number();
        let Batch { message, cuts, .. } = batch;
        Some(Write { message: v1::DirectoryWrite { number, complete, ..message }, cuts })
    }

    /// The CA has committed the writes up to this one.
    pub fn answered(&mut self, number: u64) -> Result<(), Unexpected> {
        self.outbox.answer(number)
    }

    /// How many writes wait for the CA's answer.
    pub fn unanswered(&self) -> u64 {
        self.outbox.unanswered()
    }

    /// Whether the CA has committed everything that there was when the stream began.
    pub fn has_listed(&self) -> bool {
        self.outbox.has_listed()
    }

    /// Puts the next item into the write; false where there is none or it does not fit.
    fn say_next(&mut self, batch: &mut Batch) -> bool {
        let Some(item) = self.outbox.front() else { return false };
        let said = self.said(item);
        let room = Room { items: self.limits.items, bytes: self.limits.bytes };
        if said.as_ref().is_some_and(|said| !batch.has_room(said, room)) {
            return false;
        }
        self.outbox.pop(said.as_ref().is_some_and(Said::is_there));
        if let Some(said) = said {
            batch.put(said);
        }
        true
    }

    /// What is to be said of it: nothing where it is gone and this stream has never said that it was there.
    fn said(&self, item: &Item) -> Option<Said> {
        let (there, gone) = match item {
            Item::Pod(uid) => {
                let there = self.pods.get(uid).and_then(|pod| entry::pod(*uid, pod));
                (there.map(Said::Pod), Said::GonePod(*uid))
            }
            Item::Service(name) => (self.service(name), Said::GoneService(name.to_string())),
        };
        there.or_else(|| self.outbox.has_told(item).then_some(gone))
    }

    fn service(&self, name: &ServiceName) -> Option<Said> {
        let names = self.slices_of.get(name).into_iter().flatten();
        let slices = names.filter_map(|slice| self.slices.get(slice));
        let (service, cut) = entry::service(name, self.services.get(name)?, &slices);
        Some(Said::Service(service, cut))
    }

    fn pod_has_changed(&mut self, uid: InstanceId) {
        let is_there = self.pods.get(&uid).is_some_and(entry::is_told);
        self.outbox.put(Item::Pod(uid), is_there);
    }

    fn service_has_changed(&mut self, name: ServiceName) {
        let is_there = self.services.get(&name).is_some();
        self.outbox.put(Item::Service(name), is_there);
    }

    fn slice_comes(&mut self, name: SliceName) {
        let Some(slice) = self.slices.get(&name) else { return };
        let service = slice.service.clone();
        self.endpoints += slice.endpoints.len();
        self.slices_of.entry(service.clone()).or_default().insert(name);
        self.service_has_changed(service);
    }

    fn slice_goes(&mut self, name: &SliceName, old: &Slice) {
        self.endpoints -= old.endpoints.len();
        if let Some(slices) = self.slices_of.get_mut(&old.service) {
            slices.remove(name);
            if slices.is_empty() {
                self.slices_of.remove(&old.service);
            }
        }
        self.service_has_changed(old.service.clone());
    }
}
