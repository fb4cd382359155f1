//! Grades of the Admiralty code: the letter of a source's reliability and the number of a passage's credibility.

/// What a grade looks like.
pub const FORM: &str =
    "Expected a grade of the Admiralty code: a letter from A to F and a number from 1 to 6, such as `B2`.";

/// A grade: `B2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grade {
    letter: char,
    number: char,
}

impl Grade {
    pub fn of(text: &str) -> Option<Grade> {
        let mut characters = text.chars();
        let (Some(letter), Some(number), None) = (characters.next(), characters.next(), characters.next())
        else {
            return None;
        };
        (('A'..='F').contains(&letter) && ('1'..='6').contains(&number)).then_some(Grade { letter, number })
    }

    /// All grades, the best first.
    pub fn all() -> impl Iterator<Item = Grade> {
        ('A'..='F').flat_map(|letter| ('1'..='6').map(move |number| Grade { letter, number }))
    }

    /// Whether neither the letter nor the number is worse.
    pub fn is_at_least(self, other: Grade) -> bool {
        self.letter <= other.letter && self.number <= other.number
    }

    /// The number of the credibility.
    pub fn number(self) -> i32 {
        self.number.to_digit(10).map_or(0, u32::cast_signed)
    }

    pub fn text(self) -> String {
        format!("{}{}", self.letter, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_is_a_letter_and_a_number() {
        for text in ["A1", "F6", "B2"] {
            assert_eq!(Grade::of(text).map(Grade::text).as_deref(), Some(text));
        }
        for text in ["", "A", "A0", "A7", "G1", "b2", "B22", "2B"] {
            assert_eq!(Grade::of(text), None, "{text}");
        }
        assert_eq!(Grade::all().count(), 36);
        let better = |text| {
            Grade::all().filter(move |grade| Grade::of(text).is_some_and(|own| grade.is_at_least(own)))
        };
        assert_eq!(better("B2").map(Grade::text).collect::<Vec<_>>(), ["A1", "A2", "B1", "B2"]);
    }
}
