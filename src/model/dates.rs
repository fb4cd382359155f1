//! Dates and moments as clients write them: partial dates (`2026`, `2026-02`, `2026-02-03`) and RFC 3339.

use crate::error::ApiError;

pub fn is_partial_date(text: &str) -> bool {
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [4, 2, 2];
    if parts.len() > 3 || !parts.iter().zip(lengths).all(|(part, length)| digits(part, length)) {
        return false;
    }
    let number = |index: usize| parts.get(index).map_or(1, |part| part.parse::<u16>().unwrap_or(0));
    let Ok(month) = time::Month::try_from(u8::try_from(number(1)).unwrap_or(0)) else { return false };
    let day = u8::try_from(number(2)).unwrap_or(0);
    number(0) > 0 && time::Date::from_calendar_date(i32::from(number(0)), month, day).is_ok()
}

/// The years of moments that a client may name: Postgres knows them, and they have four digits.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

pub fn date_time(text: &str) -> Option<time::OffsetDateTime> {
    let moment = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    let moment = moment.checked_to_offset(time::UtcOffset::UTC)?;
    YEARS.contains(&moment.year()).then_some(moment)
}

/// The moment in a form that Postgres reads, with its offset.
pub fn in_utc(moment: time::OffsetDateTime) -> Option<String> {
    moment.format(&time::format_description::well_known::Rfc3339).ok()
}

/// Whether a period ends before it begins. Both are partial dates: only the parts that both have are
/// compared.
pub fn ends_before(from: &str, until: &str) -> bool {
    let both = from.len().min(until.len());
    from[..both] > until[..both]
}

/// Refuses a period that ends, at `path`, before it begins.
pub fn check_period(from: &str, until: &str, path: &str) -> Result<(), ApiError> {
    if ends_before(from, until) { Err(inverted(from, until, path)) } else { Ok(()) }
}

/// Refuses a span between two moments that ends, at `path`, before it begins.
pub fn check_span(from: &str, until: &str, path: &str) -> Result<(), ApiError> {
    if date_time(from) > date_time(until) { Err(inverted(from, until, path)) } else { Ok(()) }
}

fn inverted(from: &str, until: &str, path: &str) -> ApiError {
    ApiError::bad_input(path, format!("`{path}` ({until}) is before `from` ({from})."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_dates_are_years_months_or_days_that_exist() {
        for date in ["2026", "2026-02", "2024-02-29"] {
            assert!(is_partial_date(date), "{date}");
        }
        for date in ["", "26", "2026-13", "2026-02-30", "2026-2-3", "2026-02-03T00:00", "0000"] {
            assert!(!is_partial_date(date), "{date}");
        }
    }
}
