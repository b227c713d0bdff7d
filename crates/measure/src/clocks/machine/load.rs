//! How many want a processor.

use crate::clocks::ClockError;
use crate::clocks::file::File;

/// How many threads ran, wanted to run or waited for a disk, averaged over about a minute. Above the number of cores,
/// somebody waits.
pub fn load_average() -> Result<f64, ClockError> {
    File::read("/proc/loadavg")?.parse(parse, "the load")
}

/// Reads `<over 1 minute> <over 5> <over 15> <running>/<all> <last pid>`.
fn parse(text: &str) -> Option<f64> {
    let load: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    (load.is_finite() && load >= 0.0).then_some(load)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_number_is_the_load_over_a_minute() {
        let check = |text, expected| assert_eq!(parse(text), expected, "{text:?}");
        check("4.08 3.29 2.36 5/130 31818\n", Some(4.08));
        check("0.00 0.01 0.05 1/80 11206\n", Some(0.0));
        check("-1.0 0.01 0.05 1/80 11206\n", None);
        check("nan 0.01 0.05 1/80 11206\n", None);
        check("inf", None);
        check("", None);
    }

    #[test]
    fn this_machine_has_a_load() {
        assert!(load_average().unwrap() >= 0.0);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*|-?[0-9.e]{0,400} .*") {
            let _ = parse(&text);
        }
    }
}
