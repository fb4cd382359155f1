//! How records of a type take part in what is computed over all types: search, timelines, networks of actors.
//! SQL names tables and columns as they are; `t` is the record's row where it says so.

/// How a search finds records of a type.
#[derive(Clone, Copy, Debug)]
pub struct Searched {
    /// What is searched, as the documentation of the schema says it.
    pub description: &'static str,
    /// The column of a name that is compared with the query, which may be misspelt.
    pub name: Option<&'static str>,
    /// Text columns in which matches are highlighted; their fields have the same names.
    pub texts: &'static [&'static str],
}

/// Records of another type bring records of this one along: a topic the statements on it.
#[derive(Clone, Copy, Debug)]
pub struct FoundThrough {
    pub to: &'static str,
    /// The field that leads to them, the table between, and its columns of this and of the other side.
    pub field: &'static str,
    pub between: &'static str,
    pub own: &'static str,
    pub other: &'static str,
}

/// How records of a type stand in a timeline.
#[derive(Clone, Copy, Debug)]
pub struct TimelineEntry {
    /// The tables to read, the record's as `t`.
    pub from: &'static str,
    /// The partial date, and the range of days that it may mean.
    pub date: &'static str,
    pub during: &'static str,
    /// Where its records refer to actors and to topics.
    pub actors: &'static [Mention],
    pub topics: &'static [Mention],
}

/// Where records refer to others: rows of a table, by one of their columns.
#[derive(Clone, Copy, Debug)]
pub struct Mention {
    pub table: &'static str,
    /// The column of the record's id.
    pub of: &'static str,
    /// The column that refers.
    pub to: &'static str,
}

/// How records of a type tie actors to one another.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    /// Its name in `TieKind`, with its description.
    pub kind: &'static str,
    pub description: &'static str,
    /// The lower, the better it explains why two actors are tied.
    pub rank: u8,
    /// From each of the actors `$1`, `known`, to the actors that it is tied to, `actor`: one row for each tie.
    pub from: &'static str,
    /// Ties among the actors `$1`: `source`, `target`, `relation_kind` and the record's `id`, one row for each.
    /// Where a tie has no direction, the lower id is its source.
    pub among: &'static str,
    /// The column of the record that labels the tie.
    pub label: &'static str,
    /// The table and the column by which an actor's ties are found, and how many ties a row is: what they cost.
    pub found_by: (&'static str, &'static str, f64),
}
