//! Enumerations that are written as one word each: in the database, in the audit log and on an operator's screen.

/// Declares an enum of unit variants with the word of each: `ALL`, `as_str`, `Display` and `FromStr` follow from it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::store::records::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|known| known.as_str() == text);
                known.ok_or_else(|| $crate::store::records::words::UnknownWord {
                    text: text.into(),
                    known: Self::ALL.iter().map(|known| known.as_str()).collect(),
                })
            }
        }
    };
}

pub(crate) use words;

/// A word that is none of those known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of: {}", known.join(", "))]
pub struct UnknownWord {
    pub(crate) text: String,
    pub(crate) known: Vec<&'static str>,
}
