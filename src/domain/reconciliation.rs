//! Reconciliation: which actors the names in somebody's list may mean.

use std::collections::HashMap;

use sqlx::Row;

use crate::{
    error::ApiError,
    model::object_type::{
        Cardinality, Enumeration, Field, FieldDeclaration, FieldKind, ObjectType, Scalar, ValueType, column,
        computed::{
            ArgumentRule, ComputedValue, CostContext, CostEstimate, ResolveContext, argument, computed,
            number,
        },
        part, reference, text,
    },
};

/// Names in one request at most.
const MOST_NAMES: usize = 100;

static REASON: Enumeration = Enumeration {
    name: "MatchReason",
    sql: "",
    description: "Why a name may refer to an actor.",
    values: &[
        ("IDENTIFIER", "It is the actor's identifier in a register."),
        ("SAME_NAME", "It is the actor's preferred name."),
        ("SAME_ALIAS", "It is another name of the actor."),
        ("SAME_LETTERS", "It differs from a name of the actor only in case or accents."),
        (
            "SAME_WORDS",
            "It has the words of a name of the actor, in another order or with other punctuation.",
        ),
        ("SIMILAR", "Its spelling is similar to that of a name of the actor."),
        ("PART_OF_NAME", "Its spelling is similar to that of a part of a name of the actor."),
    ],
    deprecated: &[],
};

/// Names similar to each given one, and identifiers equal to it.
const CANDIDATES: &str = "
    select n.place, c.*
    from unnest($1::text[]) with ordinality n (asked, place)
    cross join lateral (
        select m.actor_id, m.name, m.own, m.identifier, plain(m.name) = plain(n.asked) as same_letters,
               l.likeness, l.part_likeness
        from (
            select id as actor_id, name, true as own, false as identifier from actors
            where plain(name) % plain(n.asked) or plain(n.asked) <% plain(name)
            union all
            select actor_id, name, false, false from actor_names
            where plain(name) % plain(n.asked) or plain(n.asked) <% plain(name)
            union all
            select actor_id, value, false, true from actor_identifiers where value = n.asked
        ) m
        join actors on actors.id = m.actor_id
        cross join lateral (
            select similarity(plain(n.asked), plain(m.name)), word_similarity(plain(n.asked), plain(m.name))
        ) l (likeness, part_likeness)
        where $2::text[] is null or actors.kind = any($2::text[]::actor_kind[])
        order by m.identifier desc, l.likeness + l.part_likeness desc, m.actor_id
        limit 200
    ) c
    order by n.place";

pub fn object_types() -> Vec<ObjectType> {
    let reasons = Field::new(
        "reasons",
        "The reasons for the match, strongest first.",
        FieldKind::Scalars(Scalar::Enumeration(&REASON)),
    );
    vec![
        ObjectType::new("ActorMatches", "", "Candidates for one name.")
            .field(text("name", "The name in the request."))
            .field(part("candidates", "ActorMatch", Cardinality::List, "The candidates, most likely first.")),
        ObjectType::new("ActorMatch", "", "An actor that a name may refer to.")
            .field(reference("actor", "Actor", vec![("Actor", "")], "The actor."))
            .field(column("score", Scalar::Float, "The score from 0 to 1; 1 is the same name."))
            .field(text("matchedName", "The actor's name or identifier that matches best."))
            .field(reasons),
    ]
}

pub fn fields() -> Vec<FieldDeclaration> {
    vec![
        computed(
            "matchActors",
            ValueType { of: "ActorMatches", form: Cardinality::List },
            vec![
                argument("names", "[String!]!", "Names or identifiers. Maximum: 100.")
                    .taking(ArgumentRule::AtMost(MOST_NAMES)),
                argument("kinds", "[ActorKind!]", "Kinds of actors to consider. Default: all."),
                number("first", 20, "Candidates per name. Default: 5. Maximum: 20."),
            ],
            |context| Box::pin(match_actors(context)),
            "Entity reconciliation: for each name, the actors that it may refer to, with reasons.",
        )
        .with_cost(price),
    ]
}

/// Each name is compared with those that are somewhat like it: a long one with many.
fn price(context: &CostContext<'_>) -> CostEstimate {
    let (letters, names) = context.letters("names");
    let known = context.rows("actors") + context.rows("actor_names");
    let points = 20.0 + known * (0.05 * names + 0.00012 * letters);
    CostEstimate { points, records: names * context.number("first", 5, 20) }
}

/// An actor's name beside the given one.
struct Likeness {
    name: String,
    own: bool,
    identifier: bool,
    same: bool,
    same_letters: bool,
    whole: f32,
    part: f32,
}

impl Likeness {
    /// The strongest reason that it gives, and how likely that makes the actor.
    fn judge(&self) -> (&'static str, f64) {
        let (whole, part) = (f64::from(self.whole), f64::from(self.part));
        match self {
            Likeness { identifier: true, .. } => ("IDENTIFIER", 1.0),
            Likeness { same: true, own: true, .. } => ("SAME_NAME", 1.0),
            Likeness { same: true, .. } => ("SAME_ALIAS", 0.97),
            Likeness { same_letters: true, .. } => ("SAME_LETTERS", 0.95),
            Likeness { whole: 1.0.., .. } => ("SAME_WORDS", 0.92),
            _ if whole >= 0.3 && whole >= part * 0.75 => ("SIMILAR", 0.9 * whole),
            _ => ("PART_OF_NAME", 0.75 * part),
        }
    }
}

#[derive(Default)]
struct Candidate {
    score: f64,
    name: String,
    reasons: Vec<&'static str>,
}

async fn match_actors(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let names = context.texts("names").unwrap_or_default();
    let first = usize::try_from(context.number("first", 5)).unwrap_or(5);
    let kinds = context.texts("kinds");
    let rows = context.reader.fetch(CANDIDATES, |sql| sql.bind(&names).bind(kinds)).await?;
    let mut found: Vec<HashMap<i64, Candidate>> = names.iter().map(|_| HashMap::new()).collect();
    for row in rows {
        let place: i64 = row.try_get("place")?;
        let place = usize::try_from(place - 1).unwrap_or(0);
        let name: String = row.try_get("name")?;
        let likeness = Likeness {
            own: row.try_get("own")?,
            identifier: row.try_get("identifier")?,
            same: name == names[place],
            same_letters: row.try_get("same_letters")?,
            whole: row.try_get("likeness")?,
            part: row.try_get("part_likeness")?,
            name,
        };
        let (reason, score) = likeness.judge();
        let candidate = found[place].entry(row.try_get("actor_id")?).or_default();
        if score > candidate.score {
            (candidate.score, candidate.name) = (score, likeness.name);
        }
        if !candidate.reasons.contains(&reason) {
            candidate.reasons.push(reason);
        }
    }
    let strength = |reason: &&str| REASON.values.iter().position(|(name, _)| name == reason);
    let matches = names.into_iter().zip(found).map(|(name, found)| {
        let mut candidates: Vec<(i64, Candidate)> = found.into_iter().collect();
        candidates
            .sort_by(|(id, one), (other_id, other)| other.score.total_cmp(&one.score).then(id.cmp(other_id)));
        candidates.truncate(first);
        let candidates = candidates.into_iter().map(|(actor, mut candidate)| {
            candidate.reasons.sort_by_key(strength);
            let reasons = candidate.reasons.into_iter().map(|reason| ComputedValue::text(Some(reason)));
            ComputedValue::Object(vec![
                ("actor", ComputedValue::Record("Actor", actor)),
                ("score", ComputedValue::fraction(candidate.score)),
                ("matchedName", ComputedValue::Text(candidate.name)),
                ("reasons", ComputedValue::List(reasons.collect())),
            ])
        });
        ComputedValue::Object(vec![
            ("name", ComputedValue::Text(name)),
            ("candidates", ComputedValue::List(candidates.collect())),
        ])
    });
    Ok(vec![ComputedValue::List(matches.collect())])
}
