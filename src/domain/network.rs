//! Networks: the ties around an actor, and the shortest paths between two.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row, postgres::PgRow};

use crate::{
    domain::relations,
    error::ApiError,
    model::{
        object_type::{
            Cardinality, Enumeration, FieldDeclaration, ObjectType, Scalar, ValueType, column,
            computed::{
                ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, as_of,
                computed, number,
            },
            one_of,
            overviews::Tie,
            part, reference, text,
        },
        record_types,
    },
};

/// Maximum number of actors in a network.
const MOST_ACTORS: u32 = 2000;
/// Maximum number of further actors in the centre.
const MOST_CENTERS: usize = 20;
/// Maximum of `strongest`.
const MOST_OF_EACH: i64 = 100;
/// Maximum number of paths in a response.
const MOST_PATHS: i64 = 20;

/// The types whose records tie actors, those that explain a tie best first.
fn all_ties(object_types: &[ObjectType]) -> Vec<(&ObjectType, Tie)> {
    let mut ties: Vec<(&ObjectType, Tie)> =
        record_types(object_types).filter_map(|object_type| Some((object_type, object_type.tie?))).collect();
    ties.sort_by_key(|(_, tie)| tie.rank);
    ties
}

/// The enumeration `TieKind`, which fields and arguments share.
fn tie_kind(records: &[ObjectType]) -> &'static Enumeration {
    let values = all_ties(records).into_iter().map(|(_, tie)| (tie.kind.to_owned(), tie.description));
    Enumeration::of("TieKind", "The kind of tie between two actors.", values)
}

pub fn object_types(records: &[ObjectType]) -> Vec<ObjectType> {
    let tie_kind = tie_kind(records);
    let evidence = || {
        reference(
            "evidence",
            "TieEvidence",
            all_ties(records).iter().map(|(object_type, _)| (object_type.name, "")).collect(),
            "The relation, meeting, statement or event that shows the tie; if there are several, the one created last.",
        )
    };
    let actor = |name, description| reference(name, "Actor", vec![("Actor", "")], description);
    vec![
        ObjectType::new("Network", "", "The actors around one actor or several, and the ties among them.")
            .field(part(
                "nodes",
                "NetworkNode",
                Cardinality::List,
                "The actors, nearest first, then those with most ties.",
            ))
            .field(part(
                "edges",
                "NetworkEdge",
                Cardinality::List,
                "All ties among those actors, the strongest first; after a position, those ties of theirs that also lead to actors before it.",
            ))
            .field(column(
                "hasMore",
                Scalar::Boolean,
                "Whether there are more actors within the distance, which `after` gives.",
            ))
            .field(column(
                "totalCount",
                Scalar::Int,
                "The number of actors within the distance, those in the centre included; counted only when selected.",
            )),
        ObjectType::new("NetworkNode", "", "An actor in a network, and its distance from the centre.")
            .field(actor("actor", "The actor."))
            .field(column(
                "distance",
                Scalar::Int,
                "The number of steps from the nearest actor in the centre; 0 for that actor itself.",
            ))
            .field(column("position", Scalar::Int, "Its place among the actors of the network, from 1.")),
        ObjectType::new("NetworkEdge", "", "The ties of one kind between two actors.")
            .field(actor(
                "source",
                "The actor that the ties start from; either of the two for a common meeting.",
            ))
            .field(actor("target", "The actor that the ties lead to."))
            .field(one_of("kind", tie_kind, "The kind of tie."))
            .field(
                one_of("relationKind", &relations::KIND, "The kind of relation; null for other ties.")
                    .nullable(),
            )
            .field(column("weight", Scalar::Int, "The number of such ties."))
            .field(evidence()),
        ObjectType::new("Path", "", "A shortest path from one actor to another.")
            .field(column("length", Scalar::Int, "The number of steps."))
            .field(part(
                "steps",
                "PathStep",
                Cardinality::List,
                "Its steps, from the first actor to the last.",
            )),
        ObjectType::new("PathStep", "", "A step of a path, from one actor to another that it is tied to.")
            .field(actor("from", "The actor where the step starts."))
            .field(actor("to", "The actor where the step ends."))
            .field(one_of("kind", tie_kind, "The kind of tie."))
            .field(
                text(
                    "label",
                    "The name of the tie: a relation's label, a meeting's name, a statement's summary, an event's name.",
                )
                .nullable(),
            )
            .field(evidence()),
    ]
}

pub fn fields() -> Vec<FieldDeclaration> {
    let kinds = argument("kinds", "[TieKind!]", "Kinds of ties to follow. Default: all.");
    vec![
        computed(
            "network",
            ValueType { of: "Network", form: Cardinality::One },
            vec![
                argument("actor", "ActorBy!", "The actor in the centre."),
                argument(
                    "alsoAround",
                    "[ActorBy!]",
                    "Further actors in the centre; those tied to each of them take turns, so that none is crowded out. Maximum: 20.",
                )
                .taking(ArgumentRule::AtMost(MOST_CENTERS)),
                number("depth", 3, "Maximum number of ties from the centre. Default: 1. Maximum: 3."),
                kinds.clone(),
                number(
                    "limit",
                    MOST_ACTORS.into(),
                    "Number of actors, nearest first, then those with most ties. Default: 50. Maximum: 2,000.",
                ),
                argument(
                    "after",
                    "Int",
                    "The position after which the actors begin: the `position` of the last one that the client has. With `limit` it is at most 2,000. Default: 0.",
                )
                .taking(ArgumentRule::Within(0..=MOST_ACTORS.into())),
                number(
                    "strongest",
                    MOST_OF_EACH,
                    "Only so many ties of each actor, the strongest ones; after a position, of each actor after it. Default: all. Maximum: 100.",
                ),
                as_of(),
            ],
            |context| Box::pin(network(context)),
            "The network around an actor or several: who is tied to them, and how.",
        )
        .with_cost(price_of_network),
        computed(
            "path",
            ValueType { of: "Path", form: Cardinality::List },
            vec![
                argument("from", "ActorBy!", "The first actor."),
                argument("to", "ActorBy!", "The last actor."),
                number("maxLength", 6, "Maximum number of steps. Default: 4. Maximum: 6."),
                kinds,
                number("first", MOST_PATHS, "Number of paths. Default: 5. Maximum: 20."),
                as_of(),
            ],
            |context| Box::pin(path(context)),
            "The shortest paths from one actor to another, with the evidence of each step; empty if none is short enough.",
        )
        .with_cost(price_of_path),
    ]
}

/// The cost of reading all ties, and those of one actor. Ties that are looked up one by one cost more each.
fn price_of_ties(context: &CostContext<'_>) -> (f64, f64) {
    let ties = all_ties(&context.catalog.object_types);
    let price = |rows: &dyn Fn(&str, &str) -> f64| -> f64 {
        ties.iter()
            .map(|(_, Tie { found_by: (table, column, times), .. })| rows(table, column) * times * 0.002)
            .sum()
    };
    (price(&|table, _| context.rows(table)), price(&|table, column| context.rows_of_one(table, column)))
}

fn price_of_network(context: &CostContext<'_>) -> CostEstimate {
    let (all, of_one) = price_of_ties(context);
    let shown = context.number("limit", 50, MOST_ACTORS);
    let limit = (shown + context.number("after", 0, MOST_ACTORS)).min(f64::from(MOST_ACTORS));
    let centers =
        if context.has("alsoAround") { 1.0 + context.length("alsoAround", MOST_CENTERS) } else { 1.0 };
    let (edges, among) = if context.wants("edges") {
        // No more pairs are tied than there are ties.
        (1.0, 150.0 + 5.0 * limit + (0.02 * limit * limit).min(10.0 * all))
    } else {
        (0.0, 0.0)
    };
    let times = context.number("depth", 1, 3) - 1.0 + edges;
    // No more ties lead from the centre than there are.
    let from_center = (40.0 * of_one * centers).min(40.0 * of_one + all);
    CostEstimate { points: 100.0 + from_center + times * all + among, records: shown }
}

/// Two steps read the ties of one actor each, the others those of many.
fn price_of_path(context: &CostContext<'_>) -> CostEstimate {
    let (all, of_one) = price_of_ties(context);
    let times = (context.number("maxLength", 4, 6) - 2.0).max(0.0);
    let first = context.number("first", 5, 20);
    CostEstimate { points: 100.0 + 40.0 * of_one + times * all, records: first * 4.0 }
}

/// The ties to follow.
fn ties<'a>(context: &'a ResolveContext<'_>) -> Vec<(&'a ObjectType, Tie)> {
    let kinds = context.texts("kinds");
    let mut ties = all_ties(&context.catalog.object_types);
    ties.retain(|(_, tie)| kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|name| name == tie.kind)));
    ties
}

/// From each of the actors `$1`, `known`, to the actors that it is tied to: one row for each tie.
fn from_actors(ties: &[(&ObjectType, Tie)]) -> String {
    let parts: Vec<&str> = ties.iter().map(|(_, tie)| tie.from).collect();
    if parts.is_empty() {
        // An empty list follows nothing.
        return "select id as known, id as actor from actors where false and id = any($1)".to_owned();
    }
    parts.join(" union all ")
}

/// Ties among the actors `$1`: one row for each, with its kind and the index of its type.
fn among_actors(ties: &[(&ObjectType, Tie)]) -> String {
    let parts = ties.iter().enumerate().map(|(place, (_, tie))| {
        format!("select {place} as type, '{}' as kind, t.* from ({}) t", tie.kind, tie.among)
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        return "select 0 as type, '' as kind, id as source, id as target, null::relation_kind as relation_kind, id
                from actors where false and id = any($1)"
            .to_owned();
    }
    parts.join(" union all ")
}

async fn required(context: &ResolveContext<'_>, argument: &str) -> Result<i64, ApiError> {
    let missing = || ApiError::bad_input(argument, format!("`{argument}` is required."));
    context.record("Actor", argument).await?.ok_or_else(missing)
}

async fn network(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let after = usize::try_from(context.number("after", 0)).unwrap_or(0);
    let limit = after + usize::try_from(context.number("limit", 50)).unwrap_or(1);
    if i64::try_from(limit).is_ok_and(|limit| limit > i64::from(MOST_ACTORS)) {
        let message = format!("`after` and `limit` are {limit} together; the maximum is {MOST_ACTORS}.");
        return Err(ApiError::bad_input("limit", message));
    }
    let mut distances = within(&context, limit).await?;
    let total = i64::try_from(distances.len()).unwrap_or(i64::MAX);
    let has_more = distances.len() > limit;
    distances.truncate(limit);
    let edges = if context.wants("edges") { edges(&context, &distances, after).await? } else { Vec::new() };
    let nodes = distances.iter().zip(1..).skip(after).map(|((actor, distance), position)| {
        ComputedValue::Object(vec![
            ("position", ComputedValue::Int(position)),
            ("actor", ComputedValue::Record("Actor", *actor)),
            ("distance", ComputedValue::Int(*distance)),
        ])
    });
    Ok(vec![ComputedValue::Object(vec![
        ("nodes", ComputedValue::List(nodes.collect())),
        ("edges", ComputedValue::List(edges)),
        ("hasMore", ComputedValue::Boolean(has_more)),
        ("totalCount", ComputedValue::Int(total)),
    ])])
}

/// The actors within the distance, each with its own, nearest first: one more than `limit`, which tells that there are
/// more, or all if they are counted.
async fn within(context: &ResolveContext<'_>, limit: usize) -> Result<Vec<(i64, i64)>, ApiError> {
    let mut frontier = vec![required(context, "actor").await?];
    for further in context.records("Actor", "alsoAround").await?.unwrap_or_default() {
        if !frontier.contains(&further) {
            frontier.push(further);
        }
    }
    let from = from_actors(&ties(context));
    let mut distances: Vec<(i64, i64)> = frontier.iter().map(|center| (*center, 0)).collect();
    for distance in 1..=context.number("depth", 1) {
        let room = (limit + 1).saturating_sub(distances.len());
        let room =
            if context.wants("totalCount") { None } else { Some(i64::try_from(room).unwrap_or(i64::MAX)) };
        if room == Some(0) || frontier.is_empty() {
            break;
        }
        // Around several actors in the centre, the actor with most ties to each of them, then the second of each.
        let turn = if distance == 1 && frontier.len() > 1 {
            "row_number() over (partition by known order by count(*) desc, actor)"
        } else {
            "1"
        };
        // The actors with most ties to those reached last.
        let sql = format!(
            "select actor, min(turn) as turn, sum(weight) as weight
             from (select known, actor, count(*) as weight, {turn} as turn from ({from}) t
                   where actor <> all($2) group by known, actor) each
             group by actor order by turn, weight desc, actor limit $3"
        );
        let known: Vec<i64> = distances.iter().map(|(actor, _)| *actor).collect();
        let rows = context.reader.fetch(&sql, |sql| sql.bind(&frontier).bind(known).bind(room)).await?;
        frontier = rows.iter().map(|row| row.try_get("actor")).collect::<Result<_, _>>()?;
        distances.extend(frontier.iter().map(|actor| (*actor, distance)));
    }
    Ok(distances)
}

/// All ties among actors, those of one kind between the same two counted together: those of the actors after a position.
async fn edges(
    context: &ResolveContext<'_>,
    actors: &[(i64, i64)],
    after: usize,
) -> Result<Vec<ComputedValue>, ApiError> {
    let actors: Vec<i64> = actors.iter().map(|(actor, _)| *actor).collect();
    let before: Vec<i64> = actors.iter().take(after).copied().collect();
    let ties = ties(context);
    let sql = format!(
        "select source, target, type, kind, relation_kind, count(*) as weight, max(id) as id
         from ({}) t where source <> all($2) or target <> all($2)
         group by 1, 2, 3, 4, 5 order by weight desc, 1, 2, 4, 5",
        among_actors(&ties)
    );
    let mut strongest = Strongest::new(context.given_number("strongest"), &before);
    let rows = context.reader.fetch(&sql, |sql| sql.bind(actors).bind(before)).await?;
    let edge = |row: &PgRow| {
        Ok::<_, sqlx::Error>(ComputedValue::Object(vec![
            ("source", ComputedValue::Record("Actor", row.try_get("source")?)),
            ("target", ComputedValue::Record("Actor", row.try_get("target")?)),
            ("kind", ComputedValue::Text(row.try_get("kind")?)),
            (
                "relationKind",
                ComputedValue::text(row.try_get_unchecked::<Option<String>, _>("relation_kind")?),
            ),
            ("weight", ComputedValue::Int(row.try_get("weight")?)),
            ("evidence", evidence(&ties, row)?),
        ]))
    };
    let mut edges = Vec::new();
    for row in &rows {
        if strongest.takes(row.try_get("source")?, row.try_get("target")?) {
            edges.push(edge(row)?);
        }
    }
    Ok(edges)
}

/// Chooses among ties that come strongest first.
struct Strongest {
    of_each: Option<i64>,
    /// How many ties of each actor have come.
    seen: HashMap<i64, i64>,
}

impl Strongest {
    /// Those of the actors `before` were chosen already.
    fn new(of_each: Option<i64>, before: &[i64]) -> Strongest {
        let seen = before.iter().map(|actor| (*actor, MOST_OF_EACH)).collect();
        Strongest { of_each, seen }
    }

    /// Whether a tie is among the strongest of one of its ends.
    fn takes(&mut self, source: i64, target: i64) -> bool {
        let Some(of_each) = self.of_each else { return true };
        let ranks = [source, target].map(|actor| {
            let seen = self.seen.entry(actor).or_default();
            *seen += 1;
            *seen
        });
        ranks.iter().any(|rank| *rank <= of_each)
    }
}

/// The record that shows a tie.
fn evidence(ties: &[(&ObjectType, Tie)], row: &PgRow) -> Result<ComputedValue, sqlx::Error> {
    let place: i32 = row.try_get("type")?;
    let (object_type, _) = ties[usize::try_from(place).unwrap_or(0)];
    Ok(ComputedValue::Record(object_type.name, row.try_get("id")?))
}

async fn path(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let (from, to) = (required(&context, "from").await?, required(&context, "to").await?);
    let most = context.number("maxLength", 4);
    let first = usize::try_from(context.number("first", 5)).unwrap_or(5);
    if from == to {
        return Ok(vec![ComputedValue::List(Vec::new())]);
    }
    let from_them = from_actors(&ties(&context));
    // From both ends at once, each time from the one with fewer actors to look at.
    let mut sides = [Side::new(from), Side::new(to)];
    while sides[0].steps + sides[1].steps < most && !sides[0].meets(&sides[1]) {
        let nearer = usize::from(sides[1].frontier.len() < sides[0].frontier.len());
        if sides[nearer].frontier.is_empty() {
            break;
        }
        sides[nearer].advance(&context, &from_them).await?;
    }
    let [near, far] = &sides;
    let mut ways = Vec::new();
    let meeting: BTreeSet<i64> =
        near.distance.keys().filter(|actor| far.distance.contains_key(actor)).copied().collect();
    let shortest = meeting.iter().map(|actor| near.distance[actor] + far.distance[actor]).min();
    for actor in meeting {
        if Some(near.distance[&actor] + far.distance[&actor]) != shortest {
            continue;
        }
        for mut way in near.ways_to(actor, first) {
            for rest in far.ways_to(actor, first) {
                way.extend(rest.iter().rev().skip(1));
                if ways.len() < first && !ways.contains(&way) {
                    ways.push(way.clone());
                }
                way.truncate(usize::try_from(near.distance[&actor]).unwrap_or(0) + 1);
            }
        }
    }
    ways.sort();
    paths(&context, &ways).await
}

/// The actors reached from one end of a path.
struct Side {
    steps: i64,
    frontier: Vec<i64>,
    distance: HashMap<i64, i64>,
    /// For each actor reached, those one step nearer to the end.
    before: HashMap<i64, BTreeSet<i64>>,
}

impl Side {
    fn new(end: i64) -> Self {
        Side { steps: 0, frontier: vec![end], distance: HashMap::from([(end, 0)]), before: HashMap::new() }
    }

    fn meets(&self, other: &Side) -> bool {
        self.frontier.iter().any(|actor| other.distance.contains_key(actor))
            || other.frontier.iter().any(|actor| self.distance.contains_key(actor))
    }

    /// One step further from the end: all actors tied to those reached last.
    async fn advance(&mut self, context: &ResolveContext<'_>, ties: &str) -> Result<(), ApiError> {
        let sql = format!("select distinct known, actor from ({ties}) t");
        let rows = context.reader.fetch(&sql, |sql| sql.bind(&self.frontier)).await?;
        self.steps += 1;
        let mut reached = BTreeSet::new();
        for row in rows {
            let (known, actor): (i64, i64) = (row.try_get("known")?, row.try_get("actor")?);
            if *self.distance.entry(actor).or_insert(self.steps) == self.steps {
                self.before.entry(actor).or_default().insert(known);
                reached.insert(actor);
            }
        }
        self.frontier = reached.into_iter().collect();
        Ok(())
    }

    /// Up to `most` shortest ways from the end to an actor.
    fn ways_to(&self, actor: i64, most: usize) -> Vec<Vec<i64>> {
        let Some(before) = self.before.get(&actor) else { return vec![vec![actor]] };
        let ways = before.iter().flat_map(|known| self.ways_to(*known, most)).take(most);
        ways.map(|way| [way, vec![actor]].concat()).collect()
    }
}

/// Paths with the evidence of each step: of several ties, the one that explains it best.
async fn paths(context: &ResolveContext<'_>, ways: &[Vec<i64>]) -> Result<Vec<ComputedValue>, ApiError> {
    let pairs: BTreeSet<(i64, i64)> =
        ways.iter().flat_map(|way| way.windows(2).map(|step| (step[0], step[1]))).collect();
    let actors: Vec<i64> =
        pairs.iter().flat_map(|(from, to)| [*from, *to]).collect::<BTreeSet<_>>().into_iter().collect();
    let ties = ties(context);
    let labels = ties.iter().enumerate().map(|(place, (object_type, tie))| {
        let (table, label) = (object_type.table, tie.label);
        format!(" when {place} then (select {label} from {table} r where r.id = t.id)")
    });
    let sql = format!(
        "select t.*, case type{} end as label from (
             select distinct on (1, 2) least(source, target) as one, greatest(source, target) as other, type, kind, id
             from ({}) t order by 1, 2, type, id desc
         ) t",
        labels.collect::<String>(),
        among_actors(&ties)
    );
    let rows = if pairs.is_empty() {
        Vec::new()
    } else {
        context.reader.fetch(&sql, |sql| sql.bind(actors)).await?
    };
    let mut shown: HashMap<(i64, i64), &PgRow> = HashMap::new();
    for row in &rows {
        shown.insert((row.try_get("one")?, row.try_get("other")?), row);
    }
    let step = |step: &[i64]| {
        let (from, to) = (step[0], step[1]);
        let tie = shown.get(&(from.min(to), from.max(to)));
        let tie = tie.ok_or_else(ApiError::changed_meanwhile)?;
        Ok(ComputedValue::Object(vec![
            ("from", ComputedValue::Record("Actor", from)),
            ("to", ComputedValue::Record("Actor", to)),
            ("kind", ComputedValue::Text(tie.try_get("kind")?)),
            ("label", ComputedValue::text(tie.try_get_unchecked::<Option<String>, _>("label")?)),
            ("evidence", evidence(&ties, tie)?),
        ]))
    };
    let way = |way: &Vec<i64>| {
        let steps = way.windows(2).map(step).collect::<Result<Vec<_>, ApiError>>()?;
        let length = i64::try_from(steps.len()).unwrap_or(0);
        Ok(ComputedValue::Object(vec![
            ("length", ComputedValue::Int(length)),
            ("steps", ComputedValue::List(steps)),
        ]))
    };
    Ok(vec![ComputedValue::List(ways.iter().map(way).collect::<Result<_, ApiError>>()?)])
}
