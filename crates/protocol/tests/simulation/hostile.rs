//! Somebody between the CA and a watcher, who owns the connection but not the feed key.

use bulkhead_protocol::v1::{self, watch_reply::Message};

use crate::dice::Dice;

#[derive(Default)]
pub struct Hostile {
    held_back: Option<v1::WatchReply>,
}

impl Hostile {
    /// What arrives instead of what the CA has sent; `recorded` is genuine, of whatever time.
    pub fn tamper(
        &mut self,
        sent: v1::WatchReply,
        recorded: &[v1::WatchReply],
        dice: &mut Dice,
    ) -> Vec<v1::WatchReply> {
        let mut arrives = match (dice.below(24), recorded.len()) {
            (0, _) => vec![flip(sent, dice)],
            (1, _) => vec![],
            (2, _) => vec![sent.clone(), sent],
            (3, 1..) => vec![replay(&sent, recorded, dice)],
            (4, 1..) => vec![replay(&sent, recorded, dice), sent],
            (5, _) if self.held_back.is_none() => {
                self.held_back = Some(sent);
                return vec![];
            }
            (6, _) => vec![renumber(sent, dice)],
            _ => vec![sent],
        };
        arrives.extend(self.held_back.take());
        arrives
    }
}

/// Something genuine from earlier, of the same kind if it is soon found.
fn replay(sent: &v1::WatchReply, recorded: &[v1::WatchReply], dice: &mut Dice) -> v1::WatchReply {
    let kind = |reply: &v1::WatchReply| reply.message.as_ref().map(std::mem::discriminant);
    let mut candidates = (0..16).map(|_| &recorded[dice.index(recorded.len())]);
    let found = candidates.find(|candidate| kind(candidate) == kind(sent));
    found.unwrap_or(&recorded[0]).clone()
}

/// One byte is another.
fn flip(mut reply: v1::WatchReply, dice: &mut Dice) -> v1::WatchReply {
    let bytes = match &mut reply.message {
        Some(Message::Fact(fact)) if dice.once_in(2) => &mut fact.body,
        Some(Message::Fact(fact)) => &mut fact.signature,
        Some(Message::SnapshotEnd(end)) if dice.once_in(2) => &mut end.digest,
        Some(Message::SnapshotEnd(end)) => &mut end.signature,
        Some(Message::Address(address)) if dice.once_in(2) => &mut address.body,
        Some(Message::Address(address)) => &mut address.signature,
        _ => return reply,
    };
    // Signatures differ from run to run in their last bytes and length; the first 32 are always there.
    let place = dice.index(bytes.len().min(32));
    bytes[place] ^= 1 << dice.below(8);
    reply
}

/// Numbers that are not signed, or not alone, are others.
fn renumber(mut reply: v1::WatchReply, dice: &mut Dice) -> v1::WatchReply {
    let number = match &mut reply.message {
        Some(Message::Fact(fact)) if dice.once_in(2) => &mut fact.n,
        Some(Message::Fact(fact)) => &mut fact.incarnation,
        Some(Message::SnapshotEnd(end)) => &mut end.facts,
        Some(Message::Heartbeat(v1::Heartbeat { head: Some(head), .. })) => &mut head.n,
        Some(Message::Welcome(welcome)) if dice.once_in(2) => {
            welcome.snapshot = !welcome.snapshot;
            return reply;
        }
        Some(Message::Welcome(v1::Welcome { head: Some(head), .. })) if dice.once_in(2) => &mut head.n,
        Some(Message::Welcome(v1::Welcome { head: Some(head), .. })) => &mut head.incarnation,
        _ => return reply,
    };
    *number = if dice.once_in(2) { number.wrapping_add(1) } else { number.saturating_sub(1) };
    reply
}
