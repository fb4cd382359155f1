//! Decimal numbers as texts: exact, whatever their size.

/// Digits before and after the point at most.
const WHOLE: usize = 20;
const FRACTION: usize = 10;

/// Whether a text is a decimal number: `1500000`, `-0.25`.
pub fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    are_digits(whole, WHOLE) && fraction.is_none_or(|part| are_digits(part, FRACTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_number_has_digits_before_the_point_and_behind_it() {
        for text in ["0", "1500000", "-0.25", "007", "12345678901234567890.0123456789"] {
            assert!(is_decimal(text), "{text}");
        }
        for text in
            ["", "-", ".5", "5.", "1e6", "1,5", "+1", "NaN", "١", "123456789012345678901", "0.01234567891"]
        {
            assert!(!is_decimal(text), "{text}");
        }
    }
}
