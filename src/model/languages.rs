//! Tags of languages (BCP 47): their form, those that a client accepts (RFC 9110), and which of several texts has the
//! best language (RFC 4647).

use oxilangtag::LanguageTag;

/// What a tag of a language must be.
pub const FORM: &str = "It takes a BCP 47 tag: en, kk, zh-Hans.";

/// How many languages a client may prefer.
pub const MOST: usize = 16;

/// A tag as it is stored: `zh-Hans-CN` of `ZH-hans-cn`. None if it is no tag.
pub fn canonical(tag: &str) -> Option<String> {
    let tag = LanguageTag::parse_and_normalize(tag).ok()?;
    // Longer subtags are reserved, and words such as `english`.
    (2..=3).contains(&tag.primary_language().len()).then(|| tag.into_inner())
}

/// The languages that a client accepts, best first: the value of a header `Accept-Language`.
pub fn accepted(header: &str) -> Vec<String> {
    let mut ranges: Vec<(f32, String)> = Vec::new();
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        // `*` accepts what there is, as everybody does.
        let Some(tag) = parts.next().and_then(canonical) else { continue };
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = quality.map_or(Ok(1.0), str::parse).unwrap_or(0.0);
        if quality > 0.0 && quality <= 1.0 && ranges.iter().all(|(_, known)| *known != tag) {
            ranges.push((quality, tag));
        }
    }
    ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    ranges.truncate(MOST);
    ranges.into_iter().map(|(_, tag)| tag).collect()
}

/// Which of several tags is best for somebody who prefers these languages, best first; none if none is of one of them.
///
/// This is the lookup of RFC 4647, which shortens `zh-Hant-TW` to `zh-Hant` and `zh`. A longer tag matches too, since
/// `pt-BR` is better for readers of `pt` than another language.
pub fn pick(preferred: &[String], tags: &[&str]) -> Option<usize> {
    preferred.iter().find_map(|range| {
        let mut range = range.as_str();
        loop {
            let equals = |tag: &&str| tag.eq_ignore_ascii_case(range);
            let begins = |tag: &&str| {
                tag.len() > range.len()
                    && tag.as_bytes()[range.len()] == b'-'
                    && tag.as_bytes()[..range.len()].eq_ignore_ascii_case(range.as_bytes())
            };
            let found = tags.iter().position(equals).or_else(|| tags.iter().position(begins));
            if found.is_some() {
                return found;
            }
            range = &range[..range.rfind('-')?];
            // A single letter introduces what follows it.
            if range.rfind('-').is_some_and(|last| last + 2 == range.len()) {
                range = &range[..range.len() - 2];
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_which_languages_a_client_accepts() {
        for (header, languages) in [
            ("kk, ru;q=0.8, en;q=0.5", &["kk", "ru", "en"][..]),
            ("en;q=0.5,RU;q=0.8 , kk", &["kk", "ru", "en"]),
            ("de-at, de;q=0.9, *;q=0.1", &["de-AT", "de"]),
            ("fr;q=0, en;Q=0.1", &["en"]),
            ("en;q=2, kk;q=x, ru;q=-1, tr; q=0.3", &["tr"]),
            ("en, en;q=0.3", &["en"]),
            ("", &[]),
            ("*", &[]),
            (";;,,q=1,\u{e9}", &[]),
        ] {
            assert_eq!(accepted(header), languages, "{header}");
        }
        let many: Vec<String> = (b'a'..=b'z').map(|letter| format!("x{}", char::from(letter))).collect();
        assert_eq!(accepted(&many.join(",")).len(), MOST);
    }

    #[test]
    fn the_best_language_is_picked() {
        let pick = |preferred: &[&str], tags: &[&str]| {
            let preferred: Vec<String> = preferred.iter().map(|tag| (*tag).to_owned()).collect();
            super::pick(&preferred, tags).map(|place| tags[place].to_owned())
        };
        for (preferred, tags, best) in [
            (&["kk", "ru", "en"][..], &["en", "ru"][..], Some("ru")),
            (&["zh-Hant-TW"], &["zh", "zh-Hant"], Some("zh-Hant")),
            (&["zh-Hant-TW"], &["zh-Hant-HK", "zh"], Some("zh-Hant-HK")),
            (&["pt"], &["en", "pt-BR"], Some("pt-BR")),
            (&["pt-PT", "en"], &["en", "pt-BR"], Some("pt-BR")),
            (&["en"], &["en-GB", "en"], Some("en")),
            (&["de-x-own"], &["de"], Some("de")),
            (&["e"], &["en"], None),
            (&["en"], &["eng", ""], None),
            (&[], &["en"], None),
        ] {
            assert_eq!(pick(preferred, tags).as_deref(), best, "{preferred:?} of {tags:?}");
        }
    }

    #[test]
    fn a_pick_is_of_the_first_language_that_there_is() {
        let subtags = ["en", "kk", "zh", "zh-Hans", "zh-Hant-TW", "kk-Latn", "kk-Cyrl-KZ", "en-US", "ru"];
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
        let mut random = fastrand::Rng::with_seed(14);
        for _ in 0..10_000 {
            let mut some = |most| -> Vec<&str> {
                (0..random.usize(0..=most)).map(|_| subtags[random.usize(..subtags.len())]).collect()
            };
            let (preferred, tags) = (some(4), some(6));
            let owned: Vec<String> = preferred.iter().map(|tag| (*tag).to_owned()).collect();
            let wanted = preferred.iter().find(|range| tags.iter().any(|tag| primary(tag) == primary(range)));
            let picked = pick(&owned, &tags).map(|place| tags[place]);
            assert_eq!(picked.map(primary), wanted.map(|range| primary(range)), "{preferred:?} of {tags:?}");
            if let (Some(wanted), Some(picked)) = (wanted, picked) {
                assert!(!tags.contains(wanted) || picked == *wanted, "{preferred:?} of {tags:?}: {picked}");
            }
        }
    }

    #[test]
    fn tags_have_one_form() {
        for (tag, known) in [
            ("en", Some("en")),
            ("KK", Some("kk")),
            ("zh-hans-cn", Some("zh-Hans-CN")),
            ("EN-us", Some("en-US")),
            ("be-tarask", Some("be-tarask")),
            ("de-DE-u-CO-phonebk", Some("de-DE-u-co-phonebk")),
            ("", None),
            ("?", None),
            ("e", None),
            ("english", None),
            ("en_US", None),
            ("en-", None),
            ("en-toolongasubtag", None),
        ] {
            assert_eq!(canonical(tag).as_deref(), known, "{tag}");
        }
    }
}
