//! What a watch has seen of one kind of object: a listing, then changes, then perhaps another listing.
//!
//! While a new listing comes in, what was known before stands; what the whole of it has not named is gone.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, OccupiedEntry};
use std::hash::Hash;

/// One thing that a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<K, V> {
    /// A listing begins.
    Begins,
    /// An object is there: listed, new or changed.
    Seen(K, V),
    /// An object is gone, or no longer one that counts.
    Gone(K),
    /// The listing is complete.
    Complete,
}

/// The objects of one kind.
#[derive(Debug)]
pub struct Listed<K, V> {
    kept: HashMap<K, Kept<V>>,
    /// Counts the listings.
    round: u32,
    listing: bool,
    whole: bool,
    most: usize,
}

#[derive(Debug)]
struct Kept<V> {
    value: V,
    /// In which listing, or after which, it was seen last.
    round: u32,
}

/// What a change has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Took<K, V> {
    /// Nothing.
    Nothing,
    /// This object is new.
    New(K),
    /// This object was something else before.
    Changed(K, V),
    /// These are gone; what they were last.
    Gone(Vec<(K, V)>),
}

/// An object was left out because there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object was left out, since {most} are there already")]
pub struct Beyond {
    /// How many are kept.
    pub most: usize,
}

impl<K: Eq + Hash + Clone, V: PartialEq> Listed<K, V> {
    /// None, and at most this many.
    pub fn new(most: usize) -> Self {
        Self { kept: HashMap::new(), round: 0, listing: false, whole: false, most }
    }

    /// Takes one change.
    pub fn take(&mut self, change: Change<K, V>) -> Result<Took<K, V>, Beyond> {
        match change {
            Change::Begins => {
                self.round = self.round.wrapping_add(1);
                self.listing = true;
                Ok(Took::Nothing)
            }
            Change::Seen(key, value) => self.see(key, value),
            Change::Gone(key) => Ok(self.kept.remove_entry(&key).map_or(Took::Nothing, |gone| only(gone.0, gone.1))),
            Change::Complete => Ok(self.complete()),
        }
    }

    /// Whether a listing was ever complete.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// One of them.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key).map(|kept| &kept.value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.kept.iter().map(|(key, kept)| (key, &kept.value))
    }

    fn see(&mut self, key: K, value: V) -> Result<Took<K, V>, Beyond> {
        let (count, round) = (self.kept.len(), self.round);
        match self.kept.entry(key) {
            Entry::Occupied(known) => Ok(again(known, value, round)),
            Entry::Vacant(_) if count >= self.most => Err(Beyond { most: self.most }),
            Entry::Vacant(place) => {
                let key = place.key().clone();
                place.insert(Kept { value, round });
                Ok(Took::New(key))
            }
        }
    }

    /// Without a beginning there is no telling what was not listed.
    fn complete(&mut self) -> Took<K, V> {
        if !std::mem::take(&mut self.listing) {
            return Took::Nothing;
        }
        self.whole = true;
        let round = self.round;
        let gone: Vec<_> = self.kept.extract_if(|_, kept| kept.round != round).collect();
        self.kept.shrink_to(self.kept.len() * 2);
        if gone.is_empty() {
            return Took::Nothing;
        }
        Took::Gone(gone.into_iter().map(|(key, kept)| (key, kept.value)).collect())
    }
}

fn only<K, V>(key: K, kept: Kept<V>) -> Took<K, V> {
    Took::Gone(vec![(key, kept.value)])
}

fn again<K: Clone, V: PartialEq>(mut known: OccupiedEntry<'_, K, Kept<V>>, value: V, round: u32) -> Took<K, V> {
    let key = known.key().clone();
    let kept = known.get_mut();
    kept.round = round;
    if kept.value == value {
        return Took::Nothing;
    }
    Took::Changed(key, std::mem::replace(&mut kept.value, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(objects: &[(u8, u8)]) -> Listed<u8, u8> {
        let mut listed = Listed::new(3);
        listed.take(Change::Begins).unwrap();
        for (key, value) in objects {
            listed.take(Change::Seen(*key, *value)).unwrap();
        }
        listed.take(Change::Complete).unwrap();
        listed
    }

    #[test]
    fn what_a_new_listing_does_not_name_is_gone_when_it_is_complete() {
        let mut listed = listed(&[(1, 1), (2, 2)]);
        listed.take(Change::Begins).unwrap();
        assert_eq!(listed.take(Change::Seen(2, 2)), Ok(Took::Nothing));
        assert_eq!(listed.get(&1), Some(&1), "it stands until the listing is complete");
        assert_eq!(listed.take(Change::Complete), Ok(Took::Gone(vec![(1, 1)])));
        assert_eq!(listed.iter().collect::<Vec<_>>(), [(&2, &2)]);
    }

    #[test]
    fn a_listing_that_begins_anew_before_its_end_takes_nothing_away() {
        let mut listed = listed(&[(1, 1)]);
        listed.take(Change::Begins).unwrap();
        listed.take(Change::Begins).unwrap();
        listed.take(Change::Seen(1, 1)).unwrap();
        assert_eq!(listed.take(Change::Complete), Ok(Took::Nothing));
        assert_eq!(listed.take(Change::Complete), Ok(Took::Nothing), "none has begun");
        assert_eq!(listed.len(), 1);
    }

    #[test]
    fn only_a_complete_listing_makes_it_whole() {
        let mut listed = Listed::<u8, u8>::new(1);
        listed.take(Change::Complete).unwrap();
        listed.take(Change::Begins).unwrap();
        listed.take(Change::Seen(1, 1)).unwrap();
        assert!(!listed.is_whole());
        listed.take(Change::Complete).unwrap();
        assert!(listed.is_whole());
    }

    #[test]
    fn there_are_never_more_than_allowed_and_those_there_are_still_change() {
        let mut listed = listed(&[(1, 1), (2, 2), (3, 3)]);
        assert_eq!(listed.take(Change::Seen(4, 4)), Err(Beyond { most: 3 }));
        assert_eq!(listed.take(Change::Seen(3, 9)), Ok(Took::Changed(3, 3)));
        assert_eq!(listed.take(Change::Gone(1)), Ok(Took::Gone(vec![(1, 1)])));
        assert_eq!(listed.take(Change::Seen(4, 4)), Ok(Took::New(4)));
    }
}
