//! Relay's global ids, cursors and pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::error::ApiError;

/// The kind of sort key that stands in a cursor beside the id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyKind {
    Text,
    Int,
    Date,
    Rank,
}

/// Records on a page where the query doesn't say.
const DEFAULT_PAGE: i64 = 20;
/// Records on a page at most.
pub const MAX_PAGE: i64 = 100;

/// A global id: the object type's name and the number of its row, made opaque.
pub fn global_id(object_type: &str, id: i64) -> String {
    BASE64.encode(format!("{object_type}:{id}"))
}

/// The object type's name and the row's number in a global id, if it is one. A record has one id: `Actor:+1` is none, though
/// it is a number.
pub fn parse_global_id(global: &str) -> Option<(String, i64)> {
    let (object_type, id) =
        decode(global)?.split_once(':').map(|(object_type, id)| (object_type.to_owned(), id.parse()))?;
    let id = id.ok()?;
    (global_id(&object_type, id) == global).then_some((object_type, id))
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(text).ok()?).ok()
}

/// The position of a record in an order: its sort key and its id.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    pub key: Option<CursorKey>,
    pub id: i64,
}

/// A sort key as the database compares it.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorKey {
    Text(String),
    Int(i32),
    /// Days since 2000-01-01, as Postgres counts them.
    Date(i32),
    Rank(f32),
}

impl Cursor {
    /// The cursor made opaque. It names its order, so that it can't be mistaken for another's.
    pub fn encode(&self, order: &str) -> String {
        let key = match &self.key {
            None => String::new(),
            Some(CursorKey::Text(text)) => text.clone(),
            Some(CursorKey::Int(number) | CursorKey::Date(number)) => number.to_string(),
            Some(CursorKey::Rank(rank)) => rank.to_bits().to_string(),
        };
        BASE64.encode(format!("{order}|{}|{key}", self.id))
    }

    /// Reads a cursor given as `argument` for pages in the order of this name and kind of key.
    pub fn decode(text: &str, order: &str, kind: Option<KeyKind>, argument: &str) -> Result<Self, ApiError> {
        let bad =
            || ApiError::bad_input(argument, format!("`{argument}` is not a cursor of the order {order}."));
        let decoded = decode(text).ok_or_else(bad)?;
        let mut parts = decoded.splitn(3, '|');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        let id: i64 = id.parse().ok().filter(|id| *id >= 0).ok_or_else(bad)?;
        if name != order {
            return Err(bad());
        }
        let key = kind.map(|kind| Self::key(key, kind).ok_or_else(bad)).transpose()?;
        let cursor = Cursor { key, id };
        // A position has one cursor, as a record has one id.
        if cursor.encode(order) == text { Ok(cursor) } else { Err(bad()) }
    }

    fn key(key: &str, kind: KeyKind) -> Option<CursorKey> {
        Some(match kind {
            KeyKind::Text if !key.contains('\0') => CursorKey::Text(key.to_owned()),
            KeyKind::Text => return None,
            KeyKind::Int => CursorKey::Int(key.parse().ok()?),
            KeyKind::Date => CursorKey::Date(key.parse().ok().filter(|days| is_date(*days))?),
            KeyKind::Rank => {
                CursorKey::Rank(key.parse().ok().map(f32::from_bits).filter(|rank| rank.is_finite())?)
            }
        })
    }
}

/// Whether a number of days is a date of Postgres, or one of its infinities.
fn is_date(days: i32) -> bool {
    matches!(days, i32::MIN | i32::MAX | -2_451_545..=2_145_031_948)
}

/// The requested page of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub size: i64,
    /// From the end: `last` was given, or `before` alone.
    pub backward: bool,
    pub after: Option<Cursor>,
    pub before: Option<Cursor>,
}

impl Page {
    pub fn new(
        first: Option<i64>,
        last: Option<i64>,
        after: Option<Cursor>,
        before: Option<Cursor>,
    ) -> Result<Self, ApiError> {
        if first.is_some() && last.is_some() {
            return Err(ApiError::bad_input("last", "Give `first` or `last`, not both."));
        }
        for (argument, size) in [("first", first), ("last", last)] {
            if let Some(size) = size.filter(|size| !(0..=MAX_PAGE).contains(size)) {
                let message = format!("`{argument}` is {size}; it must be from 0 to {MAX_PAGE}.");
                return Err(ApiError::bad_input(argument, message));
            }
        }
        let backward = last.is_some() || (first.is_none() && before.is_some() && after.is_none());
        Ok(Page { size: page_size(first, last), backward, after, before })
    }
}

/// The maximum number of records of a page.
pub fn page_size(first: Option<i64>, last: Option<i64>) -> i64 {
    first.or(last).unwrap_or(DEFAULT_PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Option<KeyKind> = Some(KeyKind::Text);

    #[test]
    fn a_global_id_contains_its_type_and_number() {
        let id = global_id("Actor", 42);
        assert_eq!(parse_global_id(&id), Some(("Actor".to_owned(), 42)));
        assert_eq!(parse_global_id("Actor:42"), None);
        assert_eq!(parse_global_id(""), None);
    }

    #[test]
    fn ids_and_cursors_have_one_spelling() {
        for id in ["Actor:+1", "Actor:01", "Actor: 1", "Actor:-0", "Actor:1 ", "Actor:1:"] {
            assert_eq!(parse_global_id(&BASE64.encode(id)), None, "{id}");
        }
        let padded = base64::engine::general_purpose::URL_SAFE.encode("Actor:1");
        assert_eq!(parse_global_id(&padded), None);
        for (cursor, kind) in [
            ("O|+1|a", TEXT),
            ("O|01|a", TEXT),
            ("O|1|+5", Some(KeyKind::Int)),
            ("O|1|05", Some(KeyKind::Date)),
            ("O|1|+0", Some(KeyKind::Rank)),
            ("O|1|a", None),
        ] {
            assert!(Cursor::decode(&BASE64.encode(cursor), "O", kind, "after").is_err(), "{cursor}");
        }
        assert!(Cursor::decode(&BASE64.encode("O|1|5"), "O", Some(KeyKind::Int), "after").is_ok());
    }

    #[test]
    fn a_cursor_comes_back_whatever_its_key_holds() {
        let cursor = Cursor { key: Some(CursorKey::Text("a|b||ç".into())), id: 7 };
        assert_eq!(Cursor::decode(&cursor.encode("NAME_ASC"), "NAME_ASC", TEXT, "after").unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let other = Cursor { key: Some(CursorKey::Text("x".into())), id: 1 }.encode("NAME_DESC");
        assert!(Cursor::decode(&other, "NAME_ASC", TEXT, "after").is_err());
        assert!(Cursor::decode("%%%", "NAME_ASC", TEXT, "after").is_err());
        let forged = Cursor { key: Some(CursorKey::Date(-100_000_000)), id: 1 }.encode("DATE_ASC");
        assert!(Cursor::decode(&forged, "DATE_ASC", Some(KeyKind::Date), "after").is_err());
        let forged = Cursor { key: Some(CursorKey::Rank(f32::NAN)), id: 1 }.encode("RELEVANCE");
        assert!(Cursor::decode(&forged, "RELEVANCE", Some(KeyKind::Rank), "after").is_err());
    }

    #[test]
    fn a_page_has_one_direction_and_a_limit() {
        assert!(Page::new(Some(1), Some(1), None, None).is_err());
        assert!(Page::new(Some(MAX_PAGE + 1), None, None, None).is_err());
        assert!(Page::new(None, Some(-1), None, None).is_err());
        assert_eq!(Page::new(None, None, None, None).unwrap().size, DEFAULT_PAGE);
        let before = Some(Cursor { key: None, id: 1 });
        assert!(Page::new(None, None, None, before).unwrap().backward);
    }
}
