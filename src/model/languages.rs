//! Tags of languages (BCP 47): their form, those that a client accepts (RFC 9110), and which of several texts has the
//! best language (RFC 4647).

use oxilangtag::LanguageTag;

/// What a tag of a language must be.
pub const FORM: &str = "It takes a BCP 47 tag: en, kk, zh-Hans.";

/// A tag as it is stored: `zh-Hans-CN` of `ZH-hans-cn`. None if it is no tag.
pub fn canonical(tag: &str) -> Option<String> {
    let tag = LanguageTag::parse_and_normalize(tag).ok()?;
    // Longer subtags are reserved, and words such as `english`.
    (2..=3).contains(&tag.primary_language().len()).then(|| tag.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

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
