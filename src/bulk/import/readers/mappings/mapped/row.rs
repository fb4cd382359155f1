//! What the rules of a map take of a row.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    bulk::import::{
        readers::mappings::{
            countries,
            dates::NOT_A_DATE,
            mapped::{
                forms::{date, matches_pattern},
                map::{Each, OneOrMany, Record, Rule},
            },
        },
        tally::Tally,
    },
    model::object_type::Scalar,
};

/// What a row has, and what was taken of it.
#[derive(Clone)]
pub(super) struct Row<'m> {
    pub(super) values: Map<String, Value>,
    /// The map's values that stand for none.
    pub(super) empty: &'m [String],
    pub(super) taken: BTreeSet<String>,
    pub(super) changed: Vec<(String, &'static str)>,
}

impl<'m> Row<'m> {
    pub(super) fn new(values: Map<String, Value>, empty: &'m [String]) -> Row<'m> {
        Row { values, empty, taken: BTreeSet::new(), changed: Vec::new() }
    }

    /// Whether a text stands for none.
    fn is_none(&self, text: &str) -> bool {
        let text = text.trim();
        text.is_empty() || self.empty.iter().any(|empty| empty.eq_ignore_ascii_case(text))
    }

    /// The row once, or for each of the values of a column.
    pub(super) fn parts(&self, each: Option<&Each>) -> Vec<Row<'m>> {
        let row = |values| Row::new(values, self.empty);
        let (column, split) = match each {
            None => return vec![row(self.values.clone())],
            Some(Each::Column(column)) => (column, None),
            Some(Each::Split { column, split }) => (column, Some(split)),
        };
        let values = match (self.values.get(column), split) {
            (Some(Value::Array(values)), _) => values.clone(),
            (Some(Value::String(text)), Some(split)) => parts_of(text, split).map(Value::from).collect(),
            (Some(value), _) => vec![value.clone()],
            (None, _) => Vec::new(),
        };
        let with = |value| {
            let mut values = self.values.clone();
            values.insert(column.clone(), value);
            row(values)
        };
        values
            .into_iter()
            .filter(|value| !value.as_str().is_some_and(|text| self.is_none(text)))
            .map(with)
            .collect()
    }

    /// The texts in a column, which may be a path: `source.name`.
    fn column(&mut self, column: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(value) = self.values.get(column) {
            texts_of(value, &mut texts);
        } else {
            let mut parts = column.split('.');
            let mut values: Vec<&Value> =
                self.values.get(parts.next().unwrap_or_default()).into_iter().collect();
            for part in parts {
                let items = values.iter().flat_map(|value| match value {
                    Value::Array(items) => items.iter().collect(),
                    value => vec![*value],
                });
                values = items.filter_map(|value| value.get(part)).collect();
            }
            for value in values {
                texts_of(value, &mut texts);
            }
        }
        texts.retain(|text| !self.is_none(text));
        self.taken.insert(column.to_owned());
        texts
    }

    pub(super) fn fits(&mut self, record: &Record) -> bool {
        let mut has = |(column, values): (&String, &OneOrMany)| {
            let texts = self.column(column);
            texts.iter().any(|text| values.all().iter().any(|value| matches_pattern(value, text)))
        };
        record.when.iter().all(&mut has) && !record.unless.iter().any(&mut has)
    }

    /// The key of a record of the map: its name and the values of its columns.
    pub(super) fn key(&mut self, name: &str, columns: &OneOrMany) -> Option<String> {
        let values: Vec<String> =
            columns.all().iter().filter_map(|column| self.column(column).into_iter().next()).collect();
        (!values.is_empty()).then(|| format!("{name} {}", values.join(" ")))
    }

    /// The texts that a rule gives.
    pub(super) fn texts(&mut self, rule: &Rule) -> Vec<String> {
        let full = match rule {
            Rule::Column(column) => return self.column(column),
            Rule::Full(full) => full,
        };
        let columns = full.column.as_ref().map(OneOrMany::all).unwrap_or_default();
        let column = columns.first().or(full.template.as_ref()).map_or("", String::as_str);
        let mut texts: Vec<String> = match (&full.constant, &full.template) {
            (Some(constant), _) => vec![constant.text()],
            (None, Some(template)) => self.fill(template).into_iter().collect(),
            (None, None) => {
                let found = columns.iter().map(|column| self.column(column)).find(|texts| !texts.is_empty());
                found.unwrap_or_default()
            }
        };
        if let Some(split) = &full.split {
            let parts = texts.iter().flat_map(|text| parts_of(text, split));
            texts = parts.filter(|part| !self.is_none(part)).map(ToOwned::to_owned).collect();
        }
        let is_empty = texts.is_empty();
        if let Some(values) = &full.values {
            texts = self.converted(column, texts, "left out, not in the map's values", |text| {
                looked_up(values, text).or(full.default.as_ref()).cloned()
            });
            texts.retain(|text| !text.is_empty());
        }
        if let Some(forms) = &full.date {
            texts = self.converted(column, texts, NOT_A_DATE, |text| {
                forms.all().iter().find_map(|form| date(text, form))
            });
        }
        if let Some(precision) = &full.precision {
            let length = self.length_of_dates(precision);
            texts = texts.iter().map(|text| text.chars().take(length).collect()).collect();
        }
        if let Some(code) = &full.country {
            texts = self.converted(column, texts, "left out, not a country", |text| country(code, text));
        }
        if let Some(times) = full.times {
            texts = self.converted(column, texts, "left out, not a number", |text| {
                Some((text.replace(',', "").parse::<f64>().ok()? * times).to_string())
            });
        }
        if is_empty {
            texts.extend(full.default.clone().filter(|text| !text.is_empty()));
        }
        texts
    }

    /// The number of characters of a date that is as precise as this.
    fn length_of_dates(&mut self, precision: &Rule) -> usize {
        match self.texts(precision).into_iter().next().as_deref() {
            Some("year") => 4,
            Some("month") => 7,
            _ => 10,
        }
    }

    fn converted(
        &mut self,
        column: &str,
        texts: Vec<String>,
        reason: &'static str,
        convert: impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut converted = Vec::new();
        for text in texts {
            match convert(&text) {
                Some(text) => converted.push(text),
                None => self.changed.push((column.to_owned(), reason)),
            }
        }
        converted
    }

    /// Fills a template. A part in brackets is left out if a column in it is empty.
    fn fill(&mut self, template: &str) -> Option<String> {
        let (mut text, mut rest) = (String::new(), template);
        while let Some(start) = rest.find('[') {
            let Some(end) = rest[start..].find(']').map(|end| start + end) else { break };
            text += &self.fill_columns(&rest[..start])?;
            text += &self.fill_columns(&rest[start + 1..end]).unwrap_or_default();
            rest = &rest[end + 1..];
        }
        text += &self.fill_columns(rest)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn fill_columns(&mut self, template: &str) -> Option<String> {
        let (mut text, mut rest) = (String::new(), template);
        while let Some((before, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}')?;
            let values = self.column(column);
            if values.is_empty() {
                return None;
            }
            text += before;
            text += &values.join(", ");
            rest = after;
        }
        Some(text + rest)
    }

    pub(super) fn scalar(&mut self, field: &str, scalar: Scalar, text: &str) -> Value {
        let plain = || text.replace([',', ' '], "");
        let number = match scalar {
            Scalar::Int => plain().parse::<i64>().ok().map(Value::from),
            Scalar::Float => plain().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
            Scalar::Boolean => text.to_lowercase().parse::<bool>().ok().map(Value::from),
            _ => return text.into(),
        };
        number.unwrap_or_else(|| {
            self.changed.push((field.to_owned(), "left out, not a number"));
            Value::Null
        })
    }

    /// Counts what was taken of a value, and what was not.
    pub(super) fn count(&self, path: &str, value: &Value, tally: &mut Tally) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.count(path, item, tally)),
            Value::Object(fields) if !self.taken.contains(path) => {
                fields.iter().for_each(|(name, value)| self.count(&format!("{path}.{name}"), value, tally));
            }
            Value::Null => {}
            Value::String(text) if self.is_none(text) => {}
            _ if self.taken.contains(path) => tally.keep(path),
            _ => tally.ignore(path),
        }
    }
}

fn texts_of(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::String(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Bool(value) => texts.push(value.to_string()),
        _ => {}
    }
}

fn parts_of<'a>(text: &'a str, split: &'a str) -> impl Iterator<Item = &'a str> {
    let split = if split.is_empty() { "\n" } else { split };
    text.split(split).map(str::trim).filter(|part| !part.is_empty())
}

/// What a value becomes: by the value itself, or by the longest pattern that it fits.
fn looked_up<'m>(values: &'m BTreeMap<String, String>, text: &str) -> Option<&'m String> {
    let fits = || values.iter().filter(|(value, _)| matches_pattern(value, text));
    values.get(text).or_else(|| fits().max_by_key(|(value, _)| value.len()).map(|(_, to)| to))
}

/// The name or a code of a country.
fn country(code: &str, text: &str) -> Option<String> {
    let countries::Country { codes, name, .. } = countries::named(text)?;
    let of = match code {
        "name" => name,
        "alpha2" => codes?[0],
        _ => codes?[1],
    };
    Some(of.to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    fn row(values: Value) -> Row<'static> {
        let Value::Object(values) = values else { unreachable!() };
        Row::new(values, &[])
    }

    fn rule(text: &str) -> Rule {
        #[derive(Deserialize)]
        struct Of {
            rule: Rule,
        }
        toml::from_str::<Of>(&format!("rule = {text}")).unwrap().rule
    }

    #[test]
    fn a_rule_takes_a_column_splits_it_and_looks_values_up() {
        let mut row =
            row(json!({"a": "x; y;", "b": "190", "source": [{"name": "one"}, {"name": "two"}], "n": 3}));
        assert_eq!(row.texts(&rule("'a'")), ["x; y;"]);
        assert_eq!(row.texts(&rule("{column = 'a', split = ';'}")), ["x", "y"]);
        assert_eq!(
            row.texts(&rule("{column = 'b', values = {'19*' = 'ASSAULT', '1*' = 'AGREE'}}")),
            ["ASSAULT"]
        );
        assert_eq!(row.texts(&rule("'source.name'")), ["one", "two"]);
        assert_eq!(row.texts(&rule("{column = ['none', 'n']}")), ["3"]);
        assert_eq!(row.texts(&rule("{template = '{n} of {b}[ and {none}][ or {n}]'}")), ["3 of 190 or 3"]);
        assert_eq!(row.texts(&rule("{column = 'none', default = 'D'}")), ["D"]);
        assert_eq!(row.texts(&rule("{column = 'none', values = {x = 'X'}, default = 'D'}")), ["D"]);
        row.values.insert("land".to_owned(), "Russian Federation".into());
        assert_eq!(row.texts(&rule("{column = 'land', country = 'alpha3'}")), ["RUS"]);
        assert!(row.changed.is_empty());
        assert!(row.texts(&rule("{column = 'n', values = {4 = 'F'}}")).is_empty());
        assert_eq!(row.changed, [("n".to_owned(), "left out, not in the map's values")]);
    }

    #[test]
    fn values_that_stand_for_none_are_left_out_alone_and_among_others() {
        let empty = ["None".to_owned()];
        let mut row = row(json!({"Who": "NONE; Ada", "To": "none", "Where": {"name": "None"}}));
        row.empty = &empty;
        let each = Each::Split { column: "Who".to_owned(), split: ";".to_owned() };
        let parts = row.parts(Some(&each));
        assert_eq!(parts.iter().map(|part| &part.values["Who"]).collect::<Vec<_>>(), ["Ada"]);
        assert_eq!(row.texts(&rule("{column = 'Who', split = ';'}")), ["Ada"]);
        assert_eq!(row.texts(&rule("{column = 'To', default = 'all'}")), ["all"]);
        assert_eq!(row.texts(&rule("{template = '{Who}[ in {Where.name}]'}")), ["NONE; Ada"]);
        assert_eq!(row.key("actor", &OneOrMany::One("To".to_owned())), None);
    }
}
