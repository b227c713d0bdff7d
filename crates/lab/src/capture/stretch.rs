//! Searches for bytes, and for any stretch of a long text.

use std::collections::HashMap;

/// Whether `needle` occurs in `text`.
pub(super) fn contains(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return true };
    let mut rest = text;
    // By its first byte, since comparing a window at every place is slow over many megabytes.
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// The stretches of a text that are at least so long.
pub(super) struct Stretches<'t> {
    text: &'t [u8],
    length: usize,
    block: usize,
    /// Where each block of the text begins. Whatever stretch one looks for, one of them lies whole inside it.
    blocks: HashMap<&'t [u8], Vec<usize>>,
}

impl<'t> Stretches<'t> {
    pub(super) fn new(text: &'t [u8], length: usize) -> Self {
        // A stretch of 2b - 1 bytes contains a whole block of b, wherever it begins.
        let block = length.div_ceil(2).max(1);
        let mut blocks: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (index, bytes) in text.chunks_exact(block).enumerate() {
            blocks.entry(bytes).or_default().push(index * block);
        }
        Self { text, length, block, blocks }
    }

    /// The first stretch that one of these texts contains.
    pub(super) fn find_in(&self, others: &[Vec<u8>]) -> Option<&'t [u8]> {
        others.iter().find_map(|other| self.find(other))
    }

    fn find(&self, other: &[u8]) -> Option<&'t [u8]> {
        other.windows(self.block).enumerate().find_map(|(there, bytes)| {
            let mut heres = self.blocks.get(bytes)?.iter();
            heres.find_map(|here| self.extend(*here, other, there))
        })
    }

    /// The stretch around a common block, if it is long enough.
    fn extend(&self, here: usize, other: &[u8], there: usize) -> Option<&'t [u8]> {
        let equal = |(one, two): &(&u8, &u8)| one == two;
        let before = self.text[..here].iter().rev().zip(other[..there].iter().rev()).take_while(equal).count();
        let after = self.text[here..].iter().zip(&other[there..]).take_while(equal).count();
        let begin = here - before;
        (before + after >= self.length).then(|| &self.text[begin..begin + self.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_needle_is_found_wherever_it_lies() {
        for (text, needle, found) in [
            ("aab", "ab", true),
            ("ab", "ab", true),
            ("ba", "ab", false),
            ("", "a", false),
            ("a", "", true),
            ("a", "aa", false),
        ] {
            assert_eq!(contains(text.as_bytes(), needle.as_bytes()), found, "{needle} in {text}");
        }
    }

    proptest! {
        #[test]
        fn a_stretch_is_found_exactly_if_it_is_there(
            text in proptest::collection::vec(0_u8..3, 0..60),
            other in proptest::collection::vec(0_u8..3, 0..60),
            length in 1_usize..12,
        ) {
            let there = text.windows(length).any(|stretch| contains(&other, stretch));
            let found = Stretches::new(&text, length).find_in(std::slice::from_ref(&other));
            prop_assert_eq!(found.is_some(), there);
            prop_assert!(found.is_none_or(|stretch| stretch.len() == length && contains(&other, stretch)));
        }
    }
}
