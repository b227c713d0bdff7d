//! One connection between a watcher and the CA: two queues that keep their order and deliver late.

use std::collections::VecDeque;
use std::time::Duration;

use bulkhead_protocol::v1;

use crate::dice::Dice;
use crate::hostile::Hostile;

pub struct Link {
    pub watcher: usize,
    pub to_watcher: VecDeque<v1::WatchReply>,
    pub to_authority: VecDeque<v1::WatchRequest>,
    /// Nothing arrives any more, whether or not the two ends know.
    pub broken: bool,
    /// Somebody sits in the middle who can change all that the CA sends.
    pub hostile: Option<Hostile>,
    /// Now and then nothing arrives for longer than the CA may be silent.
    pub stalls: bool,
    /// The latest arrival in each direction: what is sent later arrives later.
    latest: [Duration; 2],
    /// Milliseconds that most messages take at most.
    delay: u64,
}

#[derive(Clone, Copy)]
pub enum Towards {
    Watcher,
    Authority,
}

impl Link {
    pub fn new(watcher: usize, stalls: bool, hostile: bool, dice: &mut Dice) -> Self {
        let delay = [1, 20, 200][dice.index(3)];
        Self {
            watcher,
            to_watcher: VecDeque::new(),
            to_authority: VecDeque::new(),
            broken: false,
            hostile: hostile.then(Hostile::default),
            stalls,
            latest: [Duration::ZERO; 2],
            delay,
        }
    }

    /// When something that is sent now arrives.
    pub fn arrival(&mut self, towards: Towards, now: Duration, dice: &mut Dice) -> Duration {
        let stall = if self.stalls && dice.once_in(200) { 2500 } else { 0 };
        let delay = dice.millis(self.delay + stall);
        let latest = &mut self.latest[usize::from(matches!(towards, Towards::Authority))];
        *latest = (*latest).max(now + delay);
        *latest
    }
}
