//! Why something was cut off, as text that is safe to print.

use std::str::FromStr;

use crate::name::text::text_form;

/// Why something was cut off: 1 to 256 printable characters, not all of them spaces.
///
/// It is written into logs and onto terminals of people who did not write it, so it holds no control character, no line
/// separator and nothing that hides or reorders the text around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(Box<str>);

text_form!(Reason);

impl FromStr for Reason {
    type Err = ParseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let characters = text.chars().count();
        if text.trim().is_empty() || characters > MAX_CHARACTERS {
            return Err(ParseReasonError::Length { characters });
        }
        match text.chars().find(|&character| !is_printable(character)) {
            Some(found) => Err(ParseReasonError::Character { found }),
            None => Ok(Self(text.into())),
        }
    }
}

/// Why a text is not a reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum ParseReasonError {
    #[error("a reason has 1 to {MAX_CHARACTERS} characters that are not all spaces; this one has {characters}")]
    Length { characters: usize },
    #[error("a reason contains {found:?}, which a terminal would not print as a character")]
    Character { found: char },
}

fn is_printable(character: char) -> bool {
    !character.is_control() && !HIDDEN.iter().any(|range| range.contains(&character))
}

/// Enough for a sentence and a ticket number, and short enough for one line of a log.
const MAX_CHARACTERS: usize = 256;
/// Zero-width and direction marks, line separators, tags: what hides or reorders text (Unicode TR 36, section 3).
const HIDDEN: [std::ops::RangeInclusive<char>; 7] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e0fff}',
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reason_is_one_printable_line() {
        for (text, valid) in [
            ("stolen laptop (INC-4711), \"n1\"", true),
            ("gestohlen, schläft", true),
            (&"é".repeat(256), true),
            ("", false),
            ("  ", false),
            (&"a".repeat(257), false),
            ("a\nb", false),
            ("a\tb", false),
            ("\u{1b}[2Jclean", false),
            ("\u{9b}2J", false),
            ("a\u{202e}b", false),
            ("a\u{200b}b", false),
        ] {
            assert_eq!(text.parse::<Reason>().is_ok(), valid, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = text.parse::<Reason>();
        }
    }
}
