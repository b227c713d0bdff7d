//! Numbers for people: three significant digits, thousands apart.

/// `value` with three significant digits and thousands set apart: `0.714`, `47.7`, `1,520`. What is no number is `?`.
pub fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // The scientific form rounds before it says the exponent, so 9.996 is 1.00e1 and not 10.00.
    let rounded = format!("{value:.2e}");
    match rounded.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        Some(exponent) => with_decimals(rounded.parse().unwrap_or(value), 2 - exponent),
        None => "?".into(),
    }
}

/// A bound of a ratio: as [`figure`], but with more digits where three would say 1 of what is not 1, for on which side of
/// 1 it lies decides.
pub fn bound(value: f64) -> String {
    let says_1 = |text: &str| text.parse() == Ok(1.0);
    let exact = (3..7).map(|decimals| with_decimals(value, decimals)).find(|text| !says_1(text));
    exact.filter(|_| says_1(&figure(value))).unwrap_or_else(|| figure(value))
}

/// `value` as a whole number, for what is counted and not measured.
pub fn whole(value: f64) -> String {
    if value.is_finite() { with_decimals(value, 0) } else { "?".into() }
}

/// `value` with so many decimals, none if negative, and thousands set apart.
pub fn with_decimals(value: f64, decimals: i32) -> String {
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(0));
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (integer, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    format!("{sign}{}{rest}", thousands(integer))
}

/// Digits, in groups of three.
pub fn thousands(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_significant_digits() {
        for (value, expected) in [
            (0.0, "0"),
            (0.000_123_4, "0.000123"),
            (0.071_36, "0.0714"),
            (0.714, "0.714"),
            (0.999_6, "1.00"),
            (1.0, "1.00"),
            (1.424, "1.42"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (47.68, "47.7"),
            (259.4, "259"),
            (999.6, "1,000"),
            (1_521.0, "1,520"),
            (10_000.0, "10,000"),
            (1_234_567.0, "1,230,000"),
            (-2.345, "-2.35"),
            (-1_521.0, "-1,520"),
            (f64::NAN, "?"),
            (f64::INFINITY, "?"),
        ] {
            assert_eq!(figure(value), expected, "{value}");
        }
    }

    #[test]
    fn a_bound_shows_on_which_side_of_1_it_lies() {
        for (value, expected) in [
            (1.0, "1.00"),
            (1.002, "1.002"),
            (0.999_6, "0.9996"),
            (0.999_96, "0.99996"),
            (1.000_000_01, "1.00"),
            (1.01, "1.01"),
            (0.994_4, "0.994"),
            (2.0, "2.00"),
        ] {
            assert_eq!(bound(value), expected, "{value}");
        }
    }

    #[test]
    fn counts_are_not_rounded() {
        for (value, expected) in [(0.0, "0"), (8.0, "8"), (1_008.0, "1,008"), (f64::NAN, "?")] {
            assert_eq!(whole(value), expected);
        }
    }
}
