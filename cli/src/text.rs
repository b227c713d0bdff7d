//! Texts from elsewhere: where the CA answers, as it is typed; and what the CA writes, before a terminal sees it.

use std::fmt;
use std::str::FromStr;

/// Where the CA answers: a host's name or address, a colon, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaAddress(String);

impl FromStr for CaAddress {
    type Err = ParseCaAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseCaAddressError { text: text.into() };
        let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
        let port_is_one = port.parse::<u16>().is_ok_and(|port| port != 0);
        // Without brackets nobody can tell where an IPv6 address ends and its port begins.
        let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        let printable = host.chars().all(|character| character.is_ascii_graphic());
        if host.is_empty() || !port_is_one || bare_ipv6 || !printable { Err(refuse()) } else { Ok(Self(text.into())) }
    }
}

impl fmt::Display for CaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an address of the CA.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not `host:port`, such as `ca.prod.example:15010` or `[fd00::1]:15010`")]
pub struct ParseCaAddressError {
    text: String,
}

/// A text of the CA without anything that would command a terminal or hide what stands around it; lines stay lines.
pub fn printable(text: &str) -> String {
    text.chars().filter(|&character| character == '\n' || is_printable(character)).collect()
}

fn is_printable(character: char) -> bool {
    !character.is_control() && !HIDDEN.iter().any(|range| range.contains(&character))
}

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
    use super::*;

    #[test]
    fn an_address_of_the_ca_has_a_host_and_a_port() {
        for (text, valid) in [
            ("ca.prod.example:15010", true),
            ("10.0.0.1:1", true),
            ("[fd00::1]:15010", true),
            ("", false),
            ("ca", false),
            ("ca:", false),
            (":15010", false),
            ("ca:0", false),
            ("ca:65536", false),
            ("fd00::1:15010", false),
            ("c a:1", false),
            ("https://ca:15010", false),
        ] {
            assert_eq!(text.parse::<CaAddress>().is_ok(), valid, "{text:?}");
        }
    }

    #[test]
    fn nothing_that_commands_a_terminal_is_printed() {
        for (text, printed) in [
            (
                "policy.yaml:3: unknown level `cosmic`\nhint: list it",
                "policy.yaml:3: unknown level `cosmic`\nhint: list it",
            ),
            ("\u{1b}[2Jclean\r\u{7}", "[2Jclean"),
            ("a\u{202e}b\u{9b}c\u{200b}", "abc"),
        ] {
            assert_eq!(printable(text), printed);
        }
    }
}
