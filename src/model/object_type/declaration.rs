//! What a domain module declares of a whole type: its keys, orders and history, and how it takes part in overviews.

use std::borrow::Cow;

use crate::model::{
    naming,
    object_type::{
        Facet, FacetBy, FilterField, Join, LookupInput, LookupKey, ObjectType, Order, OwnedItem, OwnedList,
        Predicate, RootFields, Scalar, SortKey,
        fields::{self, CREATED_AT, FieldDeclaration, UPDATED_AT, both_ways, many, term, text, values},
        overviews::{FoundThrough, Searched, Tie, TimelineEntry},
    },
    pagination::KeyKind,
    sql::{Expression, rfc_3339},
};

impl ObjectType {
    /// Two of its records may be merged: this table says whom the id and the slug of one now mean.
    #[must_use]
    pub fn merged_by(mut self, table: &'static str) -> Self {
        self.merged = Some(table);
        self
    }

    /// A record with an id and a slug, found at the root by either, with its history.
    #[must_use]
    pub fn record(mut self, many: &'static str) -> Self {
        let one = naming::camel_case(self.name).leak();
        self.root = Some(RootFields { one: Some(one), many, keys: vec![LookupKey::slug()] });
        self.interfaces = &["Node", "Record"];
        self.node_id().field(
            term(
                "slug",
                "Stable, readable name of the record, for people and URLs: lower-case words joined by hyphens.",
            )
            .filterable(),
        )
    }

    /// A record with an id, listed at the root.
    #[must_use]
    pub fn listed(mut self, many: &'static str) -> Self {
        self.root = Some(RootFields { one: None, many, keys: Vec::new() });
        self.interfaces = &["Node"];
        self.node_id()
    }

    /// Found at the root one by one, too.
    #[must_use]
    pub fn looked_up(mut self, one: &'static str) -> Self {
        self.root.as_mut().expect("what is looked up is listed").one = Some(one);
        self
    }

    /// Lists of it can begin after the one that a client has seen last.
    #[must_use]
    pub fn since(mut self, description: &'static str) -> Self {
        self.since = Some(description);
        self
    }

    /// One more way to look a record up.
    #[must_use]
    pub fn key(mut self, key: LookupKey) -> Self {
        self.root.as_mut().expect("a key needs a root field").keys.push(key);
        self
    }

    fn node_id(self) -> Self {
        let name = self.name;
        self.field(
            fields::column("id", Scalar::Id(name), "Global id: opaque and unique among all records.")
                .filterable(),
        )
    }

    /// A field, with the filter fields, orders and facets that follow from it. They are deprecated with it.
    #[must_use]
    pub fn field(mut self, declared: impl Into<FieldDeclaration>) -> Self {
        let mut declared = declared.into();
        if let Some(deprecation) = declared.field.deprecation {
            declared.deprecate_derived(deprecation);
        }
        self.fields.push(declared.field);
        self.conditions.extend(declared.conditions);
        self.orders.extend(declared.orders);
        self.facets.extend(declared.facets);
        self
    }

    #[must_use]
    pub fn fields(self, declared: impl IntoIterator<Item = FieldDeclaration>) -> Self {
        declared.into_iter().fold(self, Self::field)
    }

    #[must_use]
    pub fn condition(mut self, name: &'static str, description: &'static str, test: Predicate) -> Self {
        self.conditions.push(FilterField::new(name, description, test));
        self
    }

    /// Both directions of an order.
    #[must_use]
    pub fn order(mut self, name: &str, what: &str, by: impl Fn(bool) -> SortKey) -> Self {
        self.orders.extend(both_ways(name, what, by));
        self
    }

    /// A search finds it, and its filter has full-text search, with an order by relevance.
    #[must_use]
    pub fn searchable(mut self, by: Searched) -> Self {
        self.searched = Some(by);
        self.orders.push(Order {
            name: "RELEVANCE".into(),
            description: "Best match of `filter.search` first; needs that filter.".into(),
            by: SortKey::Relevance,
            descending: true,
            deprecation: None,
        });
        self.condition(
            "search",
            "Full text in web-search syntax (`\"exact phrase\"`, `or`, `-without`), ignoring accents and word endings.",
            Predicate::Search,
        )
    }

    /// A search that finds a record of another type finds some of its records, too.
    #[must_use]
    pub fn found_through(mut self, through: FoundThrough) -> Self {
        self.found_through = Some(through);
        self
    }

    /// A search looks at its other names too, in this table by the column that refers to it.
    #[must_use]
    pub fn searchable_names(mut self, names: &'static str, owner: &'static str) -> Self {
        self.searchable_names = Some((names, owner));
        self
    }

    /// A search looks at passages of its text too, in this table by the column that refers to it.
    #[must_use]
    pub fn searchable_passages(mut self, passages: &'static str, owner: &'static str) -> Self {
        self.searchable_passages = Some((passages, owner));
        self
    }

    /// Its records are entries of timelines.
    #[must_use]
    pub fn in_timeline(mut self, entry: TimelineEntry) -> Self {
        self.timeline = Some(entry);
        self
    }

    /// Its records tie actors to one another.
    #[must_use]
    pub fn ties_actors(mut self, tie: Tie) -> Self {
        self.tie = Some(tie);
        self
    }

    /// A period that the record falls in: with a filter, orders by its start, and counts by its year.
    #[must_use]
    pub fn during(
        mut self,
        name: &'static str,
        order: &'static str,
        what: &'static str,
        sql: &'static str,
    ) -> Self {
        self.period = Some(sql);
        let year = Expression::Template(format!("extract(year from lower({sql}))::integer").into());
        let description = "The year in which it began or may have begun; null if the date is unknown.";
        let by = FacetBy::Value { sql: year, scalar: Scalar::Int };
        self.facets.push(Facet { without: name.into(), ..Facet::new("year", description, by) });
        self.condition(name, what, Predicate::During { sql: sql.into(), any_time: false }).order(
            order,
            "date, unknown dates last",
            |descending| {
                let unknown = if descending { "-infinity" } else { "infinity" };
                SortKey::Key(format!("coalesce(lower({sql}), '{unknown}'::date)").into(), KeyKind::Date)
            },
        )
    }

    /// A record without dates may fall in any period, so the filter by period finds it.
    #[must_use]
    pub fn undated_at_any_time(mut self, filter: &str) -> Self {
        let condition = self.conditions.iter_mut().find(|condition| condition.name == filter);
        let Some(FilterField { test: Predicate::During { any_time, .. }, .. }) = condition else {
            unreachable!("only a period has dates")
        };
        *any_time = true;
        self
    }

    /// What a reader would call a record, by SQL over its row.
    #[must_use]
    pub fn labelled(self, sql: impl Into<Cow<'static, str>>, description: &'static str) -> Self {
        self.labelled_by(sql, &[], description)
    }

    /// The same, where the SQL looks into other records: their tables, and the columns that refer to them.
    #[must_use]
    pub fn labelled_by(
        self,
        sql: impl Into<Cow<'static, str>>,
        reads: &'static [(&'static str, &'static str)],
        description: &'static str,
    ) -> Self {
        // In brackets, so that it is no column that could be written.
        self.field(text("label", description).from_sql(format!("({})", sql.into())).reading(reads))
    }

    /// Its history, by the column that `revisions` keeps for its object type.
    #[must_use]
    pub fn versioned(mut self) -> Self {
        let column: &str = naming::id_column(self.name).leak();
        self.history = Some(column);
        let revision = fields::column(
            "revision",
            Scalar::RevisionNumber,
            "The number of its last revision. Send it as `expectedRevision` to change the record only if nobody else has changed it since.",
        );
        let revisions = "The recorded changes of this record.";
        let moment = |name, description, last| {
            fields::column(name, Scalar::DateTime, description)
                .nullable()
                .from_sql(recorded(column, last))
                .of_history(column)
        };
        let origins = OwnedList {
            of: OwnedItem::Shape("Origin"),
            table: "origins",
            owner: column,
            order: "{}.dataset, {}.key",
            appended: false,
        };
        let datasets = "The datasets that give this record, each with its own key for it.";
        self.field(values("origins", origins, datasets).filterable())
            .field(revision.from_sql(last_revision(column)).of_history(column))
            .field(moment("createdAt", CREATED_AT, false))
            .field(moment("updatedAt", UPDATED_AT, true))
            .field(many("revisions", "Revision", Join::Column(column), revisions))
    }

    /// The order in which records were entered.
    #[must_use]
    pub fn in_order_of_entry(self) -> Self {
        self.order("ENTERED", "order of creation", |_| SortKey::Id)
    }
}

impl LookupKey {
    fn slug() -> Self {
        LookupKey {
            name: "slug",
            description: "The record's slug.",
            input: LookupInput::Text,
            sql: "{}.slug = $?",
        }
    }
}

/// The number of a record's last revision, by the column that keeps its history.
fn last_revision(history: &str) -> String {
    format!("(select coalesce(max(id), 0) from revisions where {history} = {{}}.id)")
}

/// When the first or the last change of a record was recorded, by the column that keeps its history.
fn recorded(history: &str, last: bool) -> String {
    let direction = if last { " desc" } else { "" };
    let recorded_at = rfc_3339("r.recorded_at");
    format!(
        "(select {recorded_at} from revisions r where r.{history} = {{}}.id order by r.id{direction} limit 1)"
    )
}
