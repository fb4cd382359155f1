//! GEXF 1.3, for Gephi: actors and the links between them.

use std::{collections::HashMap, fmt::Write as _, hash::BuildHasher};

use quick_xml::escape::escape;
use serde_json::Value;

use crate::bulk::{
    export::{
        Record,
        formats::{Writer, text},
    },
    records::{RecordKind, RecordKinds},
};

/// Actors are nodes. Relations are edges with their period. Statements are edges from the speaker to each addressee,
/// unless the speaker is not known, events from each actor to each target.
#[derive(Default)]
pub struct Gexf {
    edges: bool,
    /// Hashes of ends and kind, with the number of edges that have them: readers keep parallel edges apart by kind.
    parallel: HashMap<u64, u32>,
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" version="1.3">
<graph defaultedgetype="directed" mode="dynamic" timeformat="date">
<attributes class="node"><attribute id="kind" title="kind" type="string"/></attributes>
<attributes class="edge"><attribute id="type" title="type" type="string"/><attribute id="kind" title="kind" type="string"/><attribute id="slug" title="slug" type="string"/></attributes>
<nodes>
"#;

impl Gexf {
    fn begin_edges(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.edges, true) {
            out.extend_from_slice(b"</nodes>\n<edges>\n");
        }
    }
}

fn edge(
    out: &mut Vec<u8>,
    parallel: &mut HashMap<u64, u32>,
    record: &Record<'_>,
    ends: [&str; 2],
    dates: [Option<&str>; 2],
) {
    let [source, target] = ends.map(escape);
    let [start, end] = dates;
    let (type_name, slug) = (record.kind.name, text(record, "slug").unwrap_or_default());
    let kind = text(record, "kind").or(text(record, "eventType")).unwrap_or_default();
    let label = escape(clean(text(record, "label").unwrap_or(kind)));
    let number = parallel.entry(foldhash::fast::FixedState::default().hash_one((ends, kind))).or_insert(0);
    *number += 1;
    let apart = if *number == 1 { kind.to_owned() } else { format!("{kind} {number}") };
    let mut edge = format!(
        r#"<edge id="{type_name} {slug} {source} {target}" source="{source}" target="{target}" kind="{apart}" label="{label}""#
    );
    if let Some(start) = start.map(first_day) {
        let _ = write!(edge, r#" start="{start}""#);
    }
    if let Some(end) = end.map(last_day) {
        let _ = write!(edge, r#" end="{end}""#);
    }
    edge.push_str("><attvalues>");
    for (name, value) in [("type", type_name), ("kind", kind), ("slug", slug)] {
        let _ = write!(edge, r#"<attvalue for="{name}" value="{value}"/>"#);
    }
    edge.push_str("</attvalues></edge>\n");
    out.extend_from_slice(edge.as_bytes());
}

impl Writer for Gexf {
    fn accepts(&self, kind: &RecordKind) -> bool {
        ["Actor", "Statement", "Event", "Relation"].contains(&kind.name)
    }

    fn begin(&mut self, _: &RecordKinds, out: &mut Vec<u8>) {
        out.extend_from_slice(HEAD.as_bytes());
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let of = |name| text(record, name).unwrap_or_default();
        if record.kind.name == "Actor" {
            let node = format!(
                "<node id=\"{}\" label=\"{}\"><attvalues><attvalue for=\"kind\" value=\"{}\"/></attvalues></node>\n",
                escape(of("slug")),
                escape(clean(of("name"))),
                escape(of("kind"))
            );
            out.extend_from_slice(node.as_bytes());
            return;
        }
        // Actors are exported before the records that refer to them.
        self.begin_edges(out);
        if record.kind.name == "Relation" {
            let dates = [text(record, "validFrom"), text(record, "validUntil")];
            edge(out, &mut self.parallel, record, [of("subject"), of("object")], dates);
        } else if record.kind.name == "Event" {
            let [began, ended] = ["occurredOn", "endedOn"].map(|name| text(record, name));
            for actor in slugs(record, "actors") {
                for target in slugs(record, "targets").filter(|target| *target != actor) {
                    edge(
                        out,
                        &mut self.parallel,
                        record,
                        [actor, target],
                        [began.or(ended), ended.or(began)],
                    );
                }
            }
        } else if let Some(speaker) = text(record, "speaker") {
            let said = text(record, "saidOn");
            for addressee in slugs(record, "addressees") {
                edge(out, &mut self.parallel, record, [speaker, addressee], [said, said]);
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin_edges(out);
        out.extend_from_slice(b"</edges>\n</graph>\n</gexf>\n");
    }
}

/// The slugs of a list of references.
fn slugs<'a>(record: &'a Record<'_>, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let list = record.fields.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// First day of a partial date.
fn first_day(date: &str) -> String {
    format!("{date}{}", &"0000-01-01"[date.len().min(10)..])
}

/// Last day of a partial date.
fn last_day(date: &str) -> String {
    let number = |from: usize| date.get(from..from + 2).and_then(|digits| digits.parse::<u8>().ok());
    let year: i32 = date.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
    let month = number(5).and_then(|month| time::Month::try_from(month).ok());
    match (date.len(), month) {
        (4, _) => format!("{date}-12-31"),
        (7, Some(month)) => format!("{date}-{:02}", month.length(year)),
        _ => date.to_owned(),
    }
}

/// Removes characters that XML can't contain.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_date_spans_all_days_that_it_may_mean() {
        for (date, first, last) in [
            ("2024", "2024-01-01", "2024-12-31"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2024-02-03", "2024-02-03", "2024-02-03"),
        ] {
            assert_eq!((first_day(date), last_day(date)), (first.to_owned(), last.to_owned()));
        }
    }
}
