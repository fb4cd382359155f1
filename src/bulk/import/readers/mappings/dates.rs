//! Dates and periods as sources write them, and which of them follow on each other.

use serde::{Deserialize, Serialize};
use time::{Date, Month, util::days_in_month};

use crate::{
    bulk::import::{readers::xml::Part, tally::SourceObject},
    model::dates::is_partial_date,
};

/// Why a text that should be a date is left out.
pub const NOT_A_DATE: &str = "left out, expected a date";
/// Longest gap, in days, that doesn't interrupt a period: a chamber meets some days after its last term has ended.
const MAX_GAP_DAYS: i32 = 7;

/// What dates are taken from: fields of JSON, or attributes of XML.
pub trait Fields {
    fn take_text(&mut self, name: &str) -> Option<String>;
    fn count_changed(&self, name: &str, reason: &str);
}

impl Fields for SourceObject<'_> {
    fn take_text(&mut self, name: &str) -> Option<String> {
        self.text(name)
    }

    fn count_changed(&self, name: &str, reason: &str) {
        self.change(name, reason);
    }
}

impl Fields for Part<'_> {
    fn take_text(&mut self, name: &str) -> Option<String> {
        self.attribute(name)
    }

    fn count_changed(&self, name: &str, reason: &str) {
        self.change(&format!("@{name}"), reason);
    }
}

/// A partial date, as the number 20100517, 20100500 or 20100000; 0 if it isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartialDate(u32);

impl PartialDate {
    /// Reads a date: `2010`, `2010-05` or `2010-05-17`. Parts that are 00 are not known; a time and a time zone
    /// are cut.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(text.len());
        let (mut date, rest) = text.split_at(end.min("2010-05-17".len()));
        let is_time = rest.starts_with(['T', ' ', '+', '-'])
            && rest[1..].starts_with(|letter: char| letter.is_ascii_digit());
        if !(rest.is_empty() || rest == "Z" || is_time) {
            return None;
        }
        while let Some(known) = date.strip_suffix("-00") {
            date = known;
        }
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let mut parts = date.split('-');
        is_partial_date(date).then(|| {
            PartialDate(number(parts.next()) * 10_000 + number(parts.next()) * 100 + number(parts.next()))
        })
    }

    /// Takes the date of a field or an attribute. What is no date is left out, and counted.
    pub fn take(of: &mut impl Fields, field: &str) -> Self {
        let Some(text) = of.take_text(field) else { return Self::default() };
        Self::read(&text).unwrap_or_else(|| {
            of.count_changed(field, NOT_A_DATE);
            Self::default()
        })
    }

    /// This date, or another one if it isn't known.
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_known() { self } else { other() }
    }

    pub fn is_known(self) -> bool {
        self.0 > 0
    }

    /// `2010-05-17`, `2010-05` or `2010`.
    pub fn text(self) -> Option<String> {
        let [year, month, day] = self.parts();
        match (month, day) {
            _ if !self.is_known() => None,
            (0, _) => Some(format!("{year:04}")),
            (_, 0) => Some(format!("{year:04}-{month:02}")),
            _ => Some(format!("{year:04}-{month:02}-{day:02}")),
        }
    }

    fn parts(self) -> [u32; 3] {
        [self.0 / 10_000, self.0 / 100 % 100, self.0 % 100]
    }

    /// The first and the last day that it may mean, counted from one day on.
    fn days(self) -> Option<(i32, i32)> {
        if !self.is_known() {
            return None;
        }
        let [year, month, day] = self.parts();
        let year = i32::try_from(year).ok()?;
        let of = |month: u32| Month::try_from(u8::try_from(month).ok()?).ok();
        let (first, last) = (of(month.max(1))?, of(if month == 0 { 12 } else { month })?);
        let day = u8::try_from(day).ok()?;
        let end = if day == 0 { days_in_month(last, year) } else { day };
        let number = |month, day| Date::from_calendar_date(year, month, day).ok().map(Date::to_julian_day);
        Some((number(first, day.max(1))?, number(last, end)?))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    pub from: PartialDate,
    pub until: PartialDate,
}

impl Period {
    /// Takes the period of two fields. An end before the start is left out, and counted.
    pub fn take(of: &mut impl Fields, from: &str, until: &str) -> Self {
        let period = Period { from: PartialDate::take(of, from), until: PartialDate::take(of, until) };
        period.checked(of, until)
    }

    /// Leaves out an end before the start, and counts it as a change of the field `until`.
    pub fn checked(mut self, of: &impl Fields, until: &str) -> Self {
        if let (Some((first, _)), Some((_, last))) = (self.from.days(), self.until.days())
            && last < first
        {
            of.count_changed(until, "left out, before the start");
            self.until = PartialDate::default();
        }
        self
    }

    pub fn is_known(self) -> bool {
        self != Period::default()
    }

    /// With the ends of another period, such as a legislative term, where this one has none of its own.
    pub fn within(self, other: Period) -> Self {
        let is_later = |one: PartialDate, other: PartialDate| matches!((one.days(), other.days()), (Some((first, _)), Some((_, last))) if first > last);
        let mut period = self;
        if !period.from.is_known() && !is_later(other.from, period.until) {
            period.from = other.from;
        }
        if !period.until.is_known() && !is_later(period.from, other.until) {
            period.until = other.until;
        }
        period
    }

    /// Whether `next`, which begins no earlier, goes on where this one ends.
    fn is_followed_by(self, next: Period) -> bool {
        match (self.until.is_known(), next.until.is_known()) {
            _ if self == next => true,
            _ if !self.from.is_known() => false,
            (false, is_ended) => !is_ended,
            (true, _) => {
                let gap = self.until.days().zip(next.from.days()).map(|((_, last), (first, _))| first - last);
                gap.is_some_and(|gap| gap <= MAX_GAP_DAYS)
            }
        }
    }
}

/// The periods in order, those that follow on each other as one.
pub fn joined(mut periods: Vec<Period>) -> Vec<Period> {
    periods.sort_unstable();
    let mut joined: Vec<Period> = Vec::new();
    for next in periods {
        match joined.last_mut() {
            Some(last) if last.is_followed_by(next) => {
                let is_longer = !next.until.is_known()
                    || next.until.days().map(|of| of.1) > last.until.days().map(|of| of.1);
                if last.until.is_known() && is_longer {
                    last.until = next.until;
                }
            }
            _ => joined.push(next),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, until: &str) -> Period {
        let date = |text| PartialDate::read(text).unwrap_or_default();
        Period { from: date(from), until: date(until) }
    }

    #[test]
    fn a_date_is_read_as_precisely_as_it_is_written_without_time_and_zone() {
        for (written, date) in [
            ("2010", Some("2010")),
            ("2010-05", Some("2010-05")),
            ("2010-05-17", Some("2010-05-17")),
            (" 2010-05-17 ", Some("2010-05-17")),
            ("2010-05-00", Some("2010-05")),
            ("2010-00-00", Some("2010")),
            ("2010-05-17T10:00:00Z", Some("2010-05-17")),
            ("2010-05-17 10:00", Some("2010-05-17")),
            ("2010-05-17Z", Some("2010-05-17")),
            ("2010-05-17+02:00", Some("2010-05-17")),
            ("2010-05-17-05:00", Some("2010-05-17")),
            ("2010+02:00", Some("2010")),
            ("2010-05-05:00", None),
            ("2010-13", None),
            ("2010-02-30", None),
            ("2010-00-17", None),
            ("2010-5-7", None),
            ("2010-05-171", None),
            ("2010 or 2011", None),
            ("2010/2011", None),
            ("17 May 2010", None),
            ("May 2010", None),
            ("-0044", None),
            ("0000", None),
            ("", None),
        ] {
            assert_eq!(PartialDate::read(written).and_then(PartialDate::text).as_deref(), date, "{written}");
        }
    }

    #[test]
    fn periods_that_follow_on_each_other_are_one() {
        let terms = vec![
            period("2003-01-07", "2005-01-03"),
            period("2001-01-03", "2003-01-03"),
            period("2007", "2009-01-03"),
            period("2009-01", ""),
        ];
        assert_eq!(joined(terms), [period("2001-01-03", "2005-01-03"), period("2007", "")]);
        let unknown =
            vec![period("", "1999"), period("1990", ""), period("1992", "1993"), period("1990", "")];
        assert_eq!(joined(unknown), [period("", "1999"), period("1990", ""), period("1992", "1993")]);
    }

    #[test]
    fn a_membership_has_the_dates_of_its_term_where_it_has_none_of_its_own() {
        let term = period("2004", "2008-12-31");
        assert_eq!(period("", "").within(term), term);
        assert_eq!(period("2006-02", "").within(term), period("2006-02", "2008-12-31"));
        assert_eq!(period("2010", "").within(term), period("2010", ""));
        assert_eq!(period("", "2003").within(term), period("", "2003"));
    }
}
