//! What was compared: versions, key exchange, and every configuration whole.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::arm::{About, ArmName, Protection};
use crate::result::Report;
use crate::verdict::names;

/// All arms.
pub(super) fn all(report: &Report) -> Markup {
    let mut arms: Vec<_> = report.arms.iter().collect();
    arms.sort_by_key(|(arm, _)| names::place(arm));
    html! {
        section {
            h2 { "What was compared" }
            p { "All arms that encrypt verify both sides. What each encrypts with is told beside it." }
            @for (arm, about) in arms { (one(arm, about)) }
        }
    }
}

fn one(arm: &ArmName, about: &About) -> Markup {
    html! {
        article.arm {
            h3 { (names::label(arm)) " " code { (arm) } }
            p { (about.summary) }
            dl {
                dt { "Bytes" } dd { (protection(about.protection)) }
                @if about.protection != Protection::None {
                    dt { "Connections" } dd { (pooling(about)) }
                }
                @if let Some(exchange) = &about.key_exchange { dt { "Key exchange" } dd { (exchange) } }
                @if let Some(suite) = &about.cipher_suite { dt { "Cipher suite" } dd { (suite) } }
                @for (program, version) in &about.versions { dt { (program) } dd { (version) } }
            }
            (configuration(arm, &about.configuration))
        }
    }
}

fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "neither captured nor encrypted",
        Protection::Relayed => "captured and relayed, not encrypted",
        Protection::MutualTls => "captured, encrypted, both sides authenticated",
    }
}

fn pooling(about: &About) -> &'static str {
    match (about.pooled, about.protection) {
        (true, _) => "many share one TLS connection",
        (false, Protection::MutualTls) => "a TLS connection for each",
        (false, _) => "a TCP connection for each",
    }
}

fn configuration(arm: &ArmName, files: &BTreeMap<String, String>) -> Markup {
    html! {
        @if !files.is_empty() {
            details {
                summary { "Configuration of " (names::label(arm)) }
                @for (name, content) in files {
                    h4 { (name) }
                    pre { (content) }
                }
            }
        }
    }
}
