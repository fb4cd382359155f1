//! Reconciliation: which actors the names of a list may mean.

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

/// Maximum number of names in one request.
const MOST_NAMES: usize = 100;

static REASON: Enumeration = Enumeration {
    name: "MatchReason",
    sql: "",
    description: "Why a name may refer to an actor.",
    values: &[
        ("IDENTIFIER", "It is the actor's identifier in a register."),
        ("SAME_NAME", "It is the actor's preferred name."),
        ("SAME_ALIAS", "It is another name of the actor."),
        ("SAME_LETTERS", "It differs from a name of the actor only in case, accents, blanks or punctuation."),
        (
            "SAME_WORDS",
            "It has the words of a name of the actor, in another order or with other punctuation.",
        ),
        ("SAME_INITIALS", "Its initials stand for words of a name of the actor, or the other way round."),
        ("SIMILAR", "Its spelling is similar to that of a name of the actor."),
        ("PART_OF_NAME", "Its spelling is similar to that of a part of a name of the actor."),
    ],
    deprecated: &[],
};

/// Names similar to each given one, and identifiers equal to it.
const CANDIDATES: &str = "
    select n.place, plain(n.given) as plain_given, c.*
    from unnest($1::text[]) with ordinality n (given, place)
    cross join lateral (
        select m.actor_id, m.name, m.own, m.identifier, plain(m.name) as plain_name, l.likeness, l.part_likeness
        from (
            select id as actor_id, name, true as own, false as identifier from actors
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, name, false, false from actor_names
            where plain(name) % plain(n.given) or plain(n.given) <% plain(name)
            union all
            select actor_id, value, false, true from actor_identifiers where value = n.given
        ) m
        join actors on actors.id = m.actor_id
        cross join lateral (
            select similarity(plain(n.given), plain(m.name)), word_similarity(plain(n.given), plain(m.name))
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

/// Each name is compared with similar ones: a long name with many.
fn price(context: &CostContext<'_>) -> CostEstimate {
    let (letters, names) = context.letters("names");
    let known = context.rows("actors") + context.rows("actor_names");
    let points = 20.0 + known * (0.05 * names + 0.00012 * letters);
    CostEstimate { points, records: names * context.number("first", 5, 20) }
}

/// An actor's name beside the given one. Plain texts are without capital letters and accents.
struct Likeness {
    name: String,
    plain_name: String,
    plain_given: String,
    own: bool,
    identifier: bool,
    same: bool,
    whole: f32,
    part: f32,
}

impl Likeness {
    /// The strongest reason that it gives, and how likely that makes the actor.
    fn judge(&self) -> (&'static str, f64) {
        let (whole, part) = (f64::from(self.whole), f64::from(self.part));
        let initials = Initials::of(&self.plain_given, &self.plain_name);
        match self {
            Likeness { identifier: true, .. } => return ("IDENTIFIER", 1.0),
            Likeness { same: true, own: true, .. } => return ("SAME_NAME", 1.0),
            Likeness { same: true, .. } => return ("SAME_ALIAS", 0.97),
            _ if letters(&self.plain_name) == letters(&self.plain_given) => return ("SAME_LETTERS", 0.95),
            Likeness { whole: 1.0.., .. } => return ("SAME_WORDS", 0.92),
            _ if initials == Initials::Agree => return ("SAME_INITIALS", 0.88),
            _ => {}
        }
        // The whole name counts for more than a part of it.
        let (reason, score) = if whole >= 0.3 && whole >= part * 0.75 {
            ("SIMILAR", 0.9 * whole)
        } else {
            ("PART_OF_NAME", 0.4 * part + 0.3 * whole)
        };
        (reason, if initials == Initials::Contradict { score / 2.0 } else { score })
    }
}

/// A text without blanks and punctuation.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// What the initials of two names say.
#[derive(Debug, PartialEq)]
enum Initials {
    /// Neither name has any, or they leave words over.
    Unknown,
    /// Each word of the shorter name has its own in the other one, and an initial stands for one.
    Agree,
    /// An initial stands for none of the words that the other name has left.
    Contradict,
}

impl Initials {
    fn of(one: &str, other: &str) -> Self {
        let words = |name: &str| {
            let words = name.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
            words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect::<Vec<String>>()
        };
        let (mut one, mut other) = (words(one), words(other));
        let is_initial = |word: &String| word.chars().count() == 1;
        let shared = one.len().min(other.len());
        // Words that both have.
        let same: Vec<String> =
            one.iter().filter(|word| !is_initial(word) && other.contains(word)).cloned().collect();
        for word in &same {
            remove(&mut one, |known| known == word);
            remove(&mut other, |known| known == word);
        }
        if same.is_empty() {
            return Initials::Unknown;
        }
        let (mut matched, mut open) = (same.len(), false);
        let mut stands = false;
        for (initials, words) in [(one.clone(), other.clone()), (other.clone(), one.clone())] {
            let mut words = words;
            for initial in initials.iter().filter(|word| is_initial(word)) {
                if remove(&mut words, |word| word.starts_with(initial.as_str())) {
                    (matched, stands) = (matched + 1, true);
                } else if !words.is_empty() {
                    open = true;
                }
            }
        }
        match (open, stands) {
            (true, _) => Initials::Contradict,
            (false, true) if matched >= shared => Initials::Agree,
            _ => Initials::Unknown,
        }
    }
}

/// Removes the first word for which `test` holds; says whether there was one.
fn remove(words: &mut Vec<String>, test: impl Fn(&String) -> bool) -> bool {
    let place = words.iter().position(test);
    place.map(|place| words.remove(place)).is_some()
}

#[derive(Default)]
struct Candidate {
    score: f64,
    name: String,
    reasons: Vec<&'static str>,
}

async fn match_actors(context: ResolveContext<'_>) -> Result<Vec<ComputedValue>, ApiError> {
    let names = context.texts("names").unwrap_or_default();
    let trimmed: Vec<String> =
        names.iter().map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let first = usize::try_from(context.number("first", 5)).unwrap_or(5);
    let kinds = context.texts("kinds");
    let rows = context.reader.fetch(CANDIDATES, |sql| sql.bind(&trimmed).bind(kinds)).await?;
    let mut found: Vec<HashMap<i64, Candidate>> = names.iter().map(|_| HashMap::new()).collect();
    for row in rows {
        let place: i64 = row.try_get("place")?;
        let place = usize::try_from(place - 1).unwrap_or(0);
        let name: String = row.try_get("name")?;
        let likeness = Likeness {
            own: row.try_get("own")?,
            identifier: row.try_get("identifier")?,
            same: name == trimmed[place],
            plain_name: row.try_get("plain_name")?,
            plain_given: row.try_get("plain_given")?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_stand_for_words_or_contradict_them() {
        for (one, other, initials) in [
            ("v. n. ermakov", "valery nikolaevich ermakov", Initials::Agree),
            ("v. n. ermakov", "valery konstantinovich ermakov", Initials::Contradict),
            ("v. ermakov", "valery konstantinovich ermakov", Initials::Agree),
            ("valery n ermakov", "valery ermakov", Initials::Unknown),
            ("ermakov", "valery ermakov", Initials::Unknown),
            ("j smith", "mary smith", Initials::Contradict),
            ("li wu", "lu wu", Initials::Unknown),
            ("a. b.", "ada byron", Initials::Unknown),
        ] {
            assert_eq!(Initials::of(one, other), initials, "{one} / {other}");
            assert_eq!(Initials::of(other, one), initials, "{other} / {one}");
        }
    }
}
