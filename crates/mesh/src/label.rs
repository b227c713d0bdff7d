//! Sensitivity labels: a level and a set of categories, and the lattice that orders them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::text::{serde_by_text, text_form};

/// How sensitive a workload is, written `confidential` or `confidential:eu,pci`.
///
/// A label alone knows no order: which level is above which is the mesh's [`Levels`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The level.
    pub level: LevelName,
    /// The categories, none to [`Label::MAX_CATEGORIES`].
    pub categories: BTreeSet<Category>,
}

/// The name of a level: 1 to 63 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LevelName(Box<str>);

/// The name of a category: 1 to 63 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(Box<str>);

/// The levels of a mesh from the lowest to the highest, each with the number that certificates carry for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Level>", into = "Vec<Level>")]
pub struct Levels(Vec<Level>);

/// One level: its name, and the bit that stands for it in a certificate's clearance, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The level's name.
    pub name: LevelName,
    /// The classList bit, 6 to 63: 0 to 5 are the levels that RFC 5755, section 4.4.6, defines itself.
    pub number: u8,
}

impl Label {
    /// More categories than this are refused: a certificate carries them all, in every handshake.
    pub const MAX_CATEGORIES: usize = 32;

    /// The label with this level and no category.
    pub fn plain(level: LevelName) -> Self {
        Self { level, categories: BTreeSet::new() }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.level.fmt(f)?;
        for (position, category) in self.categories.iter().enumerate() {
            write!(f, "{}{category}", if position == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl FromStr for Label {
    type Err = ParseLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((level, listed)) = text.split_once(':') else { return text.parse().map(Self::plain) };
        let mut categories = BTreeSet::new();
        for name in listed.split(',') {
            if !categories.insert(name.parse()?) {
                return Err(ParseLabelError::Twice { text: text.into(), category: name.into() });
            }
        }
        if categories.len() > Self::MAX_CATEGORIES {
            return Err(ParseLabelError::TooMany { categories: categories.len() });
        }
        Ok(Self { level: level.parse()?, categories })
    }
}

serde_by_text!(Label);
text_form!(LevelName);
text_form!(Category);

impl FromStr for LevelName {
    type Err = ParseLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_word("level", text).map(|()| Self(text.into()))
    }
}

impl FromStr for Category {
    type Err = ParseLabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_word("category", text).map(|()| Self(text.into()))
    }
}

impl Levels {
    /// The levels in this order, lowest first; names and numbers must differ.
    pub fn new(levels: Vec<Level>) -> Result<Self, LevelsError> {
        if levels.is_empty() {
            return Err(LevelsError::None);
        }
        for (position, level) in levels.iter().enumerate() {
            if !NUMBERS.contains(&level.number) {
                return Err(LevelsError::Number { level: level.name.clone(), number: level.number });
            }
            if levels[..position].iter().any(|lower| lower.name == level.name || lower.number == level.number) {
                return Err(LevelsError::Twice { level: level.name.clone(), number: level.number });
            }
        }
        Ok(Self(levels))
    }

    /// Every level, lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Level> {
        self.0.iter()
    }

    /// The highest level.
    pub fn highest(&self) -> &Level {
        self.0.last().expect("`new` refuses an empty list")
    }

    /// The level with this name.
    pub fn named(&self, name: &LevelName) -> Option<&Level> {
        self.0.iter().find(|level| level.name == *name)
    }

    /// The level that certificates write as this number.
    pub fn numbered(&self, number: u8) -> Option<&Level> {
        self.0.iter().find(|level| level.number == number)
    }

    /// Whether `upper` is at least as sensitive as `lower`: its level is not below, and its categories include the
    /// other's. Labels of unknown levels dominate nothing and are dominated by nothing, not even by themselves.
    pub fn dominates(&self, upper: &Label, lower: &Label) -> bool {
        match (self.rank(&upper.level), self.rank(&lower.level)) {
            (Some(above), Some(below)) => above >= below && upper.categories.is_superset(&lower.categories),
            _ => false,
        }
    }

    /// The least label that dominates both; `None` when a level is unknown.
    pub fn join(&self, left: &Label, right: &Label) -> Option<Label> {
        let rank = self.rank(&left.level)?.max(self.rank(&right.level)?);
        Some(Label { level: self.0[rank].name.clone(), categories: &left.categories | &right.categories })
    }

    /// The greatest label that both dominate; `None` when a level is unknown.
    pub fn meet(&self, left: &Label, right: &Label) -> Option<Label> {
        let rank = self.rank(&left.level)?.min(self.rank(&right.level)?);
        Some(Label { level: self.0[rank].name.clone(), categories: &left.categories & &right.categories })
    }

    fn rank(&self, name: &LevelName) -> Option<usize> {
        self.0.iter().position(|level| level.name == *name)
    }
}

impl Default for Levels {
    /// `public`, `internal`, `confidential`, `restricted`, numbered 6 to 9.
    fn default() -> Self {
        let names = ["public", "internal", "confidential", "restricted"];
        Self((6..).zip(names).map(|(number, name)| Level { name: LevelName(name.into()), number }).collect())
    }
}

impl TryFrom<Vec<Level>> for Levels {
    type Error = LevelsError;

    fn try_from(levels: Vec<Level>) -> Result<Self, Self::Error> {
        Self::new(levels)
    }
}

impl From<Levels> for Vec<Level> {
    fn from(levels: Levels) -> Self {
        levels.0
    }
}

/// Why a text is not a label, a level or a category.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseLabelError {
    #[error("a {kind} name has 1 to {MAX_WORD} characters of a-z, 0-9 and `-`; `{text}` has not")]
    Word { kind: &'static str, text: String },
    #[error("label `{text}` names category `{category}` twice")]
    Twice { text: String, category: String },
    #[error("a label has at most {} categories, not {categories}", Label::MAX_CATEGORIES)]
    TooMany { categories: usize },
}

/// Why a list of levels cannot order a mesh.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LevelsError {
    #[error("a mesh needs at least one level")]
    None,
    #[error("level `{level}` has the number {number}; numbers are {} to {}", NUMBERS.start(), NUMBERS.end())]
    Number { level: LevelName, number: u8 },
    #[error("level `{level}` or its number {number} is listed twice")]
    Twice { level: LevelName, number: u8 },
}

fn check_word(kind: &'static str, text: &str) -> Result<(), ParseLabelError> {
    let valid =
        (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if valid { Ok(()) } else { Err(ParseLabelError::Word { kind, text: text.into() }) }
}

/// As long as a DNS label, so that a level or a category fits wherever Kubernetes puts a name.
const MAX_WORD: usize = 63;
const NUMBERS: std::ops::RangeInclusive<u8> = 6..=63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_label() -> impl Strategy<Value = Label> {
        let level = prop::sample::select(vec!["public", "internal", "confidential", "restricted"]);
        let categories = prop::collection::btree_set(prop::sample::select(vec!["pci", "eu", "hr", "lab"]), 0..4);
        (level, categories).prop_map(|(level, categories)| Label {
            level: level.parse().unwrap(),
            categories: categories.into_iter().map(|name| name.parse().unwrap()).collect(),
        })
    }

    #[test]
    fn labels_are_read_as_they_are_written() {
        for (text, printed) in
            [("internal", "internal"), ("restricted:pci", "restricted:pci"), ("public:pci,eu", "public:eu,pci")]
        {
            assert_eq!(text.parse::<Label>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_a_label_is_refused() {
        for text in [
            "",
            ":",
            "internal:",
            "internal:,",
            "Internal",
            "internal:pci,pci",
            "internal:p ci",
            "a:b:c",
            &"a".repeat(64),
        ] {
            assert!(text.parse::<Label>().is_err(), "{text:?} was accepted");
        }
        let many: Vec<String> = (0..33).map(|number| format!("c{number}")).collect();
        assert_eq!(
            format!("internal:{}", many.join(",")).parse::<Label>(),
            Err(ParseLabelError::TooMany { categories: 33 })
        );
    }

    #[test]
    fn an_unknown_level_dominates_nothing() {
        let (levels, unknown) = (Levels::default(), "cosmic".parse().unwrap());
        assert!(!levels.dominates(&unknown, &"public".parse().unwrap()));
        assert!(!levels.dominates(&unknown, &unknown));
        assert_eq!(levels.join(&unknown, &unknown), None);
    }

    #[test]
    fn level_numbers_are_unique_and_never_those_of_the_rfc() {
        let level = |name: &str, number| Level { name: name.parse().unwrap(), number };
        assert_eq!(Levels::new(vec![]), Err(LevelsError::None));
        assert!(matches!(Levels::new(vec![level("a", 5)]), Err(LevelsError::Number { .. })));
        assert!(matches!(Levels::new(vec![level("a", 64)]), Err(LevelsError::Number { .. })));
        assert!(matches!(Levels::new(vec![level("a", 6), level("b", 6)]), Err(LevelsError::Twice { .. })));
        assert!(matches!(Levels::new(vec![level("a", 6), level("a", 7)]), Err(LevelsError::Twice { .. })));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(label in any_label()) {
            prop_assert_eq!(label.to_string().parse(), Ok(label));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Label>();
        }

        #[test]
        fn dominance_is_a_partial_order(a in any_label(), b in any_label(), c in any_label()) {
            let levels = Levels::default();
            prop_assert!(levels.dominates(&a, &a));
            prop_assert!(!(levels.dominates(&a, &b) && levels.dominates(&b, &a)) || a == b);
            prop_assert!(!(levels.dominates(&a, &b) && levels.dominates(&b, &c)) || levels.dominates(&a, &c));
        }

        #[test]
        fn join_is_the_least_upper_bound_and_meet_the_greatest_lower(a in any_label(), b in any_label(), c in any_label()) {
            let levels = Levels::default();
            let (join, meet) = (levels.join(&a, &b).unwrap(), levels.meet(&a, &b).unwrap());
            prop_assert!(levels.dominates(&join, &a) && levels.dominates(&join, &b));
            prop_assert!(levels.dominates(&a, &meet) && levels.dominates(&b, &meet));
            prop_assert_eq!(levels.dominates(&c, &a) && levels.dominates(&c, &b), levels.dominates(&c, &join));
            prop_assert_eq!(levels.dominates(&a, &c) && levels.dominates(&b, &c), levels.dominates(&meet, &c));
        }
    }
}
