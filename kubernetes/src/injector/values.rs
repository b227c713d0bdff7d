//! How many values a JSON text holds, counted before it is read: a text can be made to take a hundred times its size in memory,
//! and only the number of its values says so.

/// How many values there are in this text at most. It need not be JSON.
pub(crate) fn count(text: &[u8]) -> usize {
    // Each value but the first comes after one of these, if it comes at all. A bracket inside of a string is text.
    let separates = |byte: u8| matches!(byte, b',' | b':' | b'[' | b'{');
    let mut inside = Inside::Nothing;
    let separators = text.iter().filter(|byte| {
        inside = inside.after(**byte);
        inside == Inside::Nothing && separates(**byte)
    });
    separators.count() + 1
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    String,
    /// Of a string, where the next character stands for something else.
    Escape,
}

impl Inside {
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Nothing, b'"') | (Self::Escape, _) => Self::String,
            (Self::String, b'\\') => Self::Escape,
            (Self::String, b'"') => Self::Nothing,
            (inside, _) => inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::testing::any_json;
    use super::*;

    fn really(value: &Value) -> usize {
        1 + match value {
            Value::Array(values) => values.iter().map(really).sum(),
            Value::Object(fields) => fields.values().map(|value| really(value) + 1).sum(),
            _ => 0,
        }
    }

    #[test]
    fn what_stands_in_a_string_is_no_value() {
        for (text, expected) in [
            ("", 1),
            ("[]", 2),
            ("[1,2,3]", 4),
            (r#"{"a": [{}]}"#, 5),
            (r#"["[,:{"]"#, 2),
            (r#"["\"[,", "\\", ","]"#, 4),
            ("[[[[", 5),
            (r#"["never ends, [["#, 2),
        ] {
            assert_eq!(count(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn none_is_missed_and_few_are_counted_twice(value in any_json()) {
            let (counted, really) = (count(value.to_string().as_bytes()), really(&value));
            prop_assert!((really..=2 * really).contains(&counted), "{counted} for {really}: {value}");
        }

        #[test]
        fn no_text_makes_it_panic(text: Vec<u8>) {
            count(&text);
        }
    }
}
