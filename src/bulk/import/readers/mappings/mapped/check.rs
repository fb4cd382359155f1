//! Reads a map, and checks it before there is a row.

use std::{fs, path::Path};

use serde_json::Map;

use crate::{
    bulk::{
        import::{
            readers::mappings::{
                mapped::{
                    forms::{is_date_form, is_template},
                    map::{ColumnMap, Constant, FieldRule, FullRule, OneOrMany, Rule},
                    row::Row,
                },
                slug,
            },
            staging::check_value,
        },
        records::{RecordKind, RecordKinds},
    },
    engine::mutation::writable_fields::{RowKind, Rows, WritableKind},
    model::{dates::is_partial_date, object_type::Scalar},
};

impl ColumnMap {
    pub fn load(path: &Path, kinds: &RecordKinds) -> Result<ColumnMap, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let mut map: ColumnMap =
            toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned())?;
        for record in &mut map.records {
            let Some((_, kind)) = kinds.named(&record.kind) else {
                return Err(format!(
                    "[{}]: unknown record type `{}`; expected one of {}",
                    record.name,
                    record.kind,
                    kinds.names()
                ));
            };
            kind.name.clone_into(&mut record.kind);
        }
        for record in &map.records {
            let kind = kinds.known(&record.kind);
            if let Some(rule) = &record.locator {
                check_rule(rule, Some(Scalar::Text))
                    .map_err(|reason| format!("[{}.locator]: {reason}", record.name))?;
            }
            for (field, rule) in &record.fields {
                map.check(kind, field, rule)
                    .map_err(|(within, reason)| format!("[{}.{field}{within}]: {reason}", record.name))?;
            }
        }
        Ok(map)
    }

    /// Checks what a field is made of. An error says where in the field it is, and what is wrong.
    fn check(&self, kind: &RecordKind, field: &str, rule: &FieldRule) -> Result<(), (String, String)> {
        let here = |reason: String| (String::new(), reason);
        if field == "slug" {
            let FieldRule::One(rule) = rule else { return Err(here("takes a text".to_owned())) };
            return check_rule(rule, None).map_err(here);
        }
        let Some((_, known)) = kind.writable_field(field) else {
            return Err(here(format!("unknown field `{field}`; {} has {}", kind.name, kind.field_names())));
        };
        match (&known.kind, rule) {
            (WritableKind::Value { scalar, .. }, FieldRule::One(rule)) => {
                check_rule(rule, Some(*scalar)).map_err(here)
            }
            (WritableKind::Reference { to, .. }, FieldRule::One(rule)) => {
                self.check_reference(rule, to).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::One(rule)) if rows.is_reference() => {
                types(rows).try_for_each(|to| self.check_reference(rule, to)).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::References(references)) if rows.is_reference() => {
                let mut named = references.iter().flat_map(|of| types(rows).map(move |to| (&of.record, to)));
                named.try_for_each(|(record, to)| self.check_record(record, to)).map_err(here)
            }
            (WritableKind::Rows(rows), FieldRule::Many(entries)) if !rows.is_reference() => {
                for (name, rule) in entries.iter().flat_map(|entry| &entry.fields) {
                    let within = |reason| (format!(".{name}"), reason);
                    let Some(column) = rows.columns.iter().find(|column| column.name == name) else {
                        let names = rows.columns.iter().map(|column| column.name).collect::<Vec<_>>();
                        return Err(within(format!("unknown field; expected one of {}", names.join(", "))));
                    };
                    match column.kind {
                        RowKind::Reference(to) => self.check_reference(rule, to),
                        RowKind::Value(scalar) => check_rule(rule, Some(scalar)),
                        RowKind::Content => check_rule(rule, Some(Scalar::Text)),
                    }
                    .map_err(within)?;
                }
                Ok(())
            }
            (WritableKind::Rows(rows), _) if !rows.is_reference() => {
                Err(here("takes a list of tables with the fields of its entries".to_owned()))
            }
            _ => Err(here("takes a value, not a list of tables".to_owned())),
        }
    }

    /// Checks a reference: to a record of the map, or by slugs.
    fn check_reference(&self, rule: &Rule, to: &str) -> Result<(), String> {
        match rule {
            Rule::Full(full) if full.record.is_some() || full.key.is_some() => {
                match (&full.record, &full.key) {
                    (Some(record), Some(_)) => self.check_record(record, to),
                    _ => Err("a reference needs both `record` and `key`".to_owned()),
                }
            }
            rule => check_rule(rule, None),
        }
    }

    fn check_record(&self, name: &str, to: &str) -> Result<(), String> {
        let mut named = self.records.iter().filter(|record| record.name == name).peekable();
        if named.peek().is_none() {
            return Err(format!("refers to the record `{name}`, which the map doesn't have"));
        }
        match named.find(|record| record.kind != to) {
            Some(record) => {
                Err(format!("refers to the record `{name}` of type {}; expected {to}", record.kind))
            }
            None => Ok(()),
        }
    }
}

/// Checks what is known of the values of a rule before there is a row. Without a scalar they are slugs.
fn check_rule(rule: &Rule, scalar: Option<Scalar>) -> Result<(), String> {
    let Rule::Full(full) = rule else { return Ok(()) };
    let forms = full.date.as_ref().map(OneOrMany::all).unwrap_or_default();
    if let Some(form) = forms.iter().find(|form| !is_date_form(form)) {
        return Err(format!(
            "has the date form `{form}`; a form has %Y or %y, and may have %m, %b, %B, %d and %*"
        ));
    }
    if full.record.is_some() || full.key.is_some() {
        return Err("takes a value, not a reference".to_owned());
    }
    if full.column.is_none() && full.constant.is_none() && full.template.is_none() && full.default.is_none() {
        return Err("needs `column`, `constant` or `template`".to_owned());
    }
    if full.template.as_ref().is_some_and(|template| !is_template(template)) {
        return Err("the template has a brace or a bracket that is not closed".to_owned());
    }
    if let Some(code) = full.country.as_deref().filter(|code| !["name", "alpha2", "alpha3"].contains(code)) {
        return Err(format!("`country` is `{code}`; expected name, alpha2 or alpha3"));
    }
    if let Some(precision) = &full.precision {
        check_rule(precision, Some(Scalar::Text))?;
        let Rule::Full(precision) = precision else { return Ok(()) };
        let known = ["day", "month", "year"];
        if let Some(other) = precision.known_texts()?.iter().find(|text| !known.contains(&text.as_str())) {
            return Err(format!("`precision` is `{other}`; expected day, month or year"));
        }
    }
    for text in full.known_texts()? {
        match scalar {
            Some(scalar) => check_text(scalar, &text)?,
            None if slug(&text) != text => {
                return Err(format!("`{text}` is no slug: small letters, digits and hyphens"));
            }
            None => {}
        }
    }
    Ok(())
}

/// The types that a list of references refers to.
fn types(rows: &Rows) -> impl Iterator<Item = &'static str> {
    rows.columns.iter().filter_map(|column| match column.kind {
        RowKind::Reference(to) => Some(to),
        RowKind::Value(_) | RowKind::Content => None,
    })
}

/// Checks a value that a map has.
fn check_text(scalar: Scalar, text: &str) -> Result<(), String> {
    let mut row = Row::new(Map::new(), &[]);
    let value = row.scalar("", scalar, text);
    if value.is_null() {
        return Err(format!("`{text}` is not a number, true or false"));
    }
    if scalar == Scalar::PartialDate && !is_partial_date(text) {
        return Err(format!("`{text}` is not a date: 2026, 2026-02 or 2026-02-03"));
    }
    check_value(scalar, &value).map_err(|reason| reason.trim_end_matches('.').to_owned())
}

impl FullRule {
    /// The values that the rule gives whatever a row has: its constant, and what values become.
    fn known_texts(&self) -> Result<Vec<String>, String> {
        let given: Vec<Constant> = match &self.values {
            Some(values) => {
                values.values().filter(|to| !to.is_empty()).cloned().map(Constant::Text).collect()
            }
            None => self.constant.clone().into_iter().collect(),
        };
        let mut texts: Vec<String> =
            self.default.clone().filter(|text| !text.is_empty()).into_iter().collect();
        for constant in given {
            let rule = FullRule {
                constant: Some(constant.clone()),
                date: self.date.clone(),
                country: self.country.clone(),
                times: self.times,
                split: if self.values.is_none() { self.split.clone() } else { None },
                ..FullRule::default()
            };
            let mut row = Row::new(Map::new(), &[]);
            texts.extend(row.texts(&Rule::Full(Box::new(rule))));
            if let Some((_, reason)) = row.changed.first() {
                let reason = reason.trim_start_matches("left out, ");
                return Err(format!("`{}`: {reason}", constant.text()));
            }
        }
        Ok(texts)
    }
}
