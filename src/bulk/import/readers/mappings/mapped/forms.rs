//! Forms of texts: patterns, templates, and dates.

use crate::bulk::import::readers::mappings::dates::PartialDate;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Whether a text is that of a pattern, whatever its case. A `*` at its end stands for any rest.
pub(super) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

/// Whether each brace and bracket of a template is closed.
pub(super) fn is_template(template: &str) -> bool {
    let mut open: Option<char> = None;
    let mut in_brackets = false;
    for letter in template.chars() {
        match (letter, open) {
            ('{', None) => open = Some('}'),
            ('}', Some('}')) => open = None,
            ('[', None) if !in_brackets => in_brackets = true,
            (']', None) => in_brackets = false,
            _ => {}
        }
    }
    open.is_none() && !in_brackets
}

/// Whether dates can be read in a form.
pub(super) fn is_date_form(form: &str) -> bool {
    let letters = form.split('%').skip(1).map(|part| part.chars().next());
    let mut has_year = false;
    for letter in letters {
        has_year |= matches!(letter, Some('Y' | 'y'));
        if !matches!(letter, Some('Y' | 'y' | 'm' | 'd' | 'B' | 'b' | '*')) {
            return false;
        }
    }
    has_year
}

/// Reads a date in a form like `%d %B %Y`; as precise as the form is.
pub(super) fn date(text: &str, form: &str) -> Option<String> {
    let (mut year, mut month, mut day) = (None, None, None);
    let (mut text, mut form) = (text, form.chars());
    let number = |text: &mut &str, most: usize| {
        let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let number = text[..count].parse::<u32>().ok();
        *text = &text[count..];
        number
    };
    while let Some(letter) = form.next() {
        if letter != '%' {
            text = text.strip_prefix(letter)?;
            continue;
        }
        match form.next()? {
            'Y' => year = Some(number(&mut text, 4)?),
            'y' => {
                let short = number(&mut text, 2)?;
                year = Some(if short < 70 { 2000 + short } else { 1900 + short });
            }
            'm' => month = Some(number(&mut text, 2)?),
            'd' => day = Some(number(&mut text, 2)?),
            'B' | 'b' => {
                let count = text.chars().take_while(char::is_ascii_alphabetic).count();
                let name = text[..count].to_lowercase();
                let place = MONTHS.iter().position(|month| name.len() >= 3 && month.starts_with(&name))?;
                month = Some(u32::try_from(place + 1).ok()?);
                text = &text[count..];
            }
            // Whatever follows.
            '*' => text = "",
            _ => return None,
        }
    }
    let year = year.filter(|_| text.trim().is_empty())?;
    let (month, day) = (month.unwrap_or(0), day.unwrap_or(0));
    PartialDate::read(&format!("{year:04}-{month:02}-{day:02}"))?.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_precise_as_their_form() {
        assert_eq!(date("08 March 2023", "%d %B %Y").as_deref(), Some("2023-03-08"));
        assert_eq!(date("3/8/23", "%m/%d/%y").as_deref(), Some("2023-03-08"));
        assert_eq!(date("Mar-2023", "%b-%Y").as_deref(), Some("2023-03"));
        assert_eq!(date("2023-03-08T10:00", "%Y-%m-%d%*").as_deref(), Some("2023-03-08"));
        assert_eq!(date("8 Marts", "%d %B %Y"), None);
        assert_eq!(date("ä", "%Y"), None);
    }
}
