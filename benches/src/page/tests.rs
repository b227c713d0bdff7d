use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::example;

static PAGE: LazyLock<String> = LazyLock::new(|| html(&example::short()));

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "br", "link"];

/// The tags of a page, without their angle brackets. Style is no markup.
fn tags(page: &str) -> Vec<&str> {
    let (before, after) = page.split_once("<style>").unwrap();
    let after = after.split_once("</style>").unwrap().1;
    [before, after]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1).map(|tag| tag.split_once('>').unwrap().0))
        .collect()
}

fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    page.split(&opening).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn every_element_ends_where_it_must() {
    let mut open = Vec::new();
    for tag in tags(&PAGE).into_iter().filter(|tag| !tag.starts_with('!')) {
        let name = tag.split(' ').next().unwrap();
        match name.strip_prefix('/') {
            Some(ended) => assert_eq!(open.pop(), Some(ended)),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn what_tries_to_be_markup_is_text() {
    assert!(PAGE.contains("ztunnel&lt;script&gt;"));
    assert!(PAGE.contains("&lt;b&gt;&amp;amp;&lt;/b&gt;"));
    assert!(PAGE.contains("to &lt;nginx&gt; &amp; back;"));
    for forbidden in ["<script", "<b>"] {
        assert!(!PAGE.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_page_stands_alone() {
    for forbidden in ["http:", "https:", " src=", "<link", "@import", "url("] {
        assert!(!PAGE.contains(forbidden), "{forbidden}");
    }
    assert!(attributes(&PAGE, "href").iter().all(|link| link.starts_with('#')));
}

#[test]
fn every_link_leads_to_a_place_and_every_place_is_one() {
    let ids = attributes(&PAGE, "id");
    let places: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), places.len());
    let spoken = attributes(&PAGE, "aria-labelledby").into_iter().flat_map(|ids| ids.split(' '));
    for place in attributes(&PAGE, "href").into_iter().map(|link| &link[1..]).chain(spoken) {
        assert!(places.contains(place), "{place}");
    }
}

#[test]
fn every_row_has_a_chart_that_can_be_heard() {
    let report = example::short();
    let charts = tags(&PAGE).into_iter().filter(|tag| tag.starts_with("svg ")).count();
    let rows = report.rows.len();
    assert!(charts > rows, "{charts} charts of {rows} rows; memory has several");
    assert!(PAGE.contains("Processor time of both proxies in s/GB, median and its interval: Bulkhead 1.6"));
}

#[test]
fn every_measured_run_of_a_figure_is_seen() {
    let found: [(&str, &[f64]); 2] = [("bulkhead", &[1.0, 1.1, 1.2, 1.1]), ("nginx", &[1.0, 1.1, 1.0, 9.0])];
    let row = example::row("bulk-up-1", crate::result::Measure::GigabytesPerSecond, true, &found);
    let shown = html(&Report { rows: vec![row], ..example::empty() });
    // The interval of 4 runs spans all of them, so that none is far off.
    assert_eq!(shown.matches("class=\"run\"").count(), 8);
    assert!(shown.contains("<title>round 4: 9.00 GB/s</title>"));
}

#[test]
fn a_run_far_off_is_counted_at_the_edge() {
    let found: [(&str, &[f64]); 2] = [
        ("bulkhead", &[1.0; 15]),
        ("nginx", &{
            let mut runs = [1.0; 15];
            runs[3] = 40.0;
            runs
        }),
    ];
    let row = example::row("bulk-up-1", crate::result::Measure::GigabytesPerSecond, true, &found);
    let shown = html(&Report { rows: vec![row], ..example::empty() });
    assert_eq!(shown.matches("class=\"run\"").count(), 29);
    assert!(shown.contains("1 beyond the axis"));
}

#[test]
fn a_report_without_rows_is_a_page() {
    assert!(html(&example::empty()).contains("0 runs, all of them kept"));
}

#[test]
fn each_arm_tells_its_own_cipher_suite() {
    let of =
        |name: &str| PAGE.split("<article class=\"arm\">").find(|arm| arm.contains(&format!("<code>{name}</code>")));
    assert!(of("envoy-tls").unwrap().contains("<dd>TLS_AES_128_GCM_SHA256</dd>"));
    assert!(of("bulkhead").unwrap().contains("<dd>TLS_AES_256_GCM_SHA384</dd>"));
}

#[test]
fn a_picture_of_each_row_stands_alone_too() {
    let report = example::short();
    let pictures = pictures(&report);
    let drawn: BTreeSet<_> = pictures.iter().map(|picture| &*picture.name).collect();
    let rows: BTreeSet<_> = report.rows.iter().map(|row| &*row.name).collect();
    assert!(drawn.is_subset(&rows) && drawn.len() == pictures.len() && drawn.len() > rows.len() / 2, "{drawn:?}");
    for picture in &pictures {
        assert!(picture.svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{}", picture.name);
        assert!(!picture.svg.contains("<script") && !picture.svg.contains(" href="), "{}", picture.name);
        assert!(picture.svg.contains("class=\"ours\""), "{}: Bulkhead's bar is not marked", picture.name);
    }
}
