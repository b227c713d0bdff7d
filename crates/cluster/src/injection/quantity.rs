//! Amounts of processor time and memory, as Kubernetes writes them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// An amount as Kubernetes writes it: `100m`, `64Mi`, `0.5`. Compared by what it amounts to: `0.5` is `500m`.
#[derive(Clone, Debug)]
pub struct Quantity {
    text: String,
    /// In billionths.
    billionths: u128,
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no amount such as `100m`, `0.5` or `64Mi`")]
pub struct ParseQuantityError {
    text: String,
}

impl Quantity {
    /// Whether it is a whole number, as bytes are.
    pub const fn is_whole(&self) -> bool {
        self.billionths.is_multiple_of(BILLION)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.billionths == other.billionths
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.billionths.cmp(&other.billionths)
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    /// Digits, at most one point between them, and a suffix of Kubernetes; not negative, not zero, no part of a billionth.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let billionths = billionths(text).filter(|billionths| *billionths > 0);
        let billionths = billionths.ok_or_else(|| ParseQuantityError { text: text.to_owned() })?;
        Ok(Self { text: text.to_owned(), billionths })
    }
}

fn billionths(text: &str) -> Option<u128> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (_, unit) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u128>().ok()).flatten();
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part = digits(part)?.checked_mul(*unit)?;
    let whole = digits(whole)?.checked_mul(*unit)?;
    whole.checked_add(part.is_multiple_of(scale).then_some(part / scale)?)
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const BILLION: u128 = 1_000_000_000;

/// Of <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>, without the exponents; in
/// billionths.
const SUFFIXES: [(&str, u128); 16] = [
    ("", BILLION),
    ("n", 1),
    ("u", 1000),
    ("m", 1_000_000),
    ("k", 1000 * BILLION),
    ("M", 1_000_000 * BILLION),
    ("G", BILLION * BILLION),
    ("T", 1000 * BILLION * BILLION),
    ("P", 1_000_000 * BILLION * BILLION),
    ("E", BILLION * BILLION * BILLION),
    ("Ki", BILLION << 10),
    ("Mi", BILLION << 20),
    ("Gi", BILLION << 30),
    ("Ti", BILLION << 40),
    ("Pi", BILLION << 50),
    ("Ei", BILLION << 60),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_kubernetes_writes_it_and_compared_by_what_it_amounts_to() {
        let read = |text: &str| text.parse::<Quantity>().unwrap_or_else(|error| panic!("{error}"));
        for (text, same) in [
            ("100m", "0.1"),
            ("500m", "0.5"),
            ("64Mi", "65536Ki"),
            ("1", "1000m"),
            ("1.25Gi", "1280Mi"),
            ("2k", "2000"),
        ] {
            assert_eq!((read(text).to_string().as_str(), &read(text)), (text, &read(same)));
        }
        assert!(read("1Mi") < read("1.5Mi") && read("1Gi") > read("1G"));
        assert!(read("1Ki").is_whole() && !read("128m").is_whole());
        let (long, far) = ("9".repeat(40), format!("{}E", "9".repeat(30)));
        for text in ["", "0", "0.0Mi", "-1", "1.", ".5", "1.2.3", "64MB", "1 Mi", "Mi", "1e3", "0.1n", &long, &far] {
            assert_eq!(text.parse::<Quantity>(), Err(ParseQuantityError { text: text.to_owned() }));
        }
    }
}
