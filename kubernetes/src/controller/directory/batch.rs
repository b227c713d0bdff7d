//! One write while it is filled, and how large it has become.

use bulkhead_mesh::InstanceId;
use bulkhead_protocol::v1;

use super::entry::Cut;

/// What a write says of one item.
#[derive(Debug)]
pub(super) enum Said {
    Pod(v1::Pod),
    GonePod(InstanceId),
    Service(v1::ClusterService, Option<Cut>),
    GoneService(String),
}

/// A write and its size.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) message: v1::DirectoryWrite,
    pub(super) cuts: Vec<Cut>,
    items: usize,
    bytes: usize,
}

/// How large a write may become. A single item goes whole, however large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl Batch {
    pub(super) fn has_room(&self, said: &Said, room: Room) -> bool {
        self.items == 0 || (self.items < room.items && self.bytes + said.bytes() <= room.bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    pub(super) fn put(&mut self, said: Said) {
        self.items += 1;
        self.bytes += said.bytes();
        match said {
            Said::Pod(pod) => self.message.pods.push(pod),
            Said::GonePod(uid) => self.message.gone_pods.push(uid.as_bytes().to_vec()),
            Said::GoneService(name) => self.message.gone_services.push(name),
            Said::Service(service, cut) => {
                self.message.services.push(service);
                self.cuts.extend(cut);
            }
        }
    }
}

impl Said {
    /// Whether it says that the item is there.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::Pod(_) | Self::Service(..))
    }

    /// About as many as it takes in the message, and no fewer.
    fn bytes(&self) -> usize {
        match self {
            Self::Pod(pod) => {
                let texts = pod.namespace.len() + pod.name.len() + pod.service_account.len() + pod.node.len();
                OVERHEAD + pod.uid.len() + texts + fields(&pod.addresses)
            }
            Self::Service(service, _) => {
                let endpoints = service.ports.iter().flat_map(|port| &port.endpoints);
                let endpoints: usize = endpoints.map(|endpoint| endpoint.address.len() + ENDPOINT).sum();
                OVERHEAD + service.name.len() + fields(&service.addresses) + PORT * service.ports.len() + endpoints
            }
            Self::GonePod(uid) => uid.as_bytes().len() + FIELD,
            Self::GoneService(name) => name.len() + FIELD,
        }
    }
}

fn fields(bytes: &[Vec<u8>]) -> usize {
    bytes.iter().map(|bytes| bytes.len() + FIELD).sum()
}

/// Tags, lengths and numbers of an item.
const OVERHEAD: usize = 64;
/// Tag and length of a field of bytes.
const FIELD: usize = 4;
/// A port without its endpoints.
const PORT: usize = 12;
/// An endpoint without its address: port, weight, readiness, and all tags and lengths.
const ENDPOINT: usize = 16;
