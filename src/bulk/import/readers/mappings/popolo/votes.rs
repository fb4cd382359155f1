//! Motions, the divisions on them, and how each actor voted.

use serde_json::{Value, json};

use super::Popolo;
use crate::bulk::import::{
    readers::{
        ReadError,
        mappings::{dates::PartialDate, excerpt},
    },
    tally::SourceObject,
};

const RESULTS: [(&str, &[&str]); 3] = [
    ("PASSED", &["pass", "passed", "carried", "agreed", "agreed to", "adopted", "approved", "accepted"]),
    ("REJECTED", &["fail", "failed", "rejected", "lost", "defeated", "negatived"]),
    ("TIED", &["tie", "tied"]),
];
const CHOICES: [(&str, &[&str]); 5] = [
    ("FOR", &["yes", "aye", "yea", "for", "in favour", "in favor", "y", "tellaye", "tellyes", "teller for"]),
    ("AGAINST", &["no", "nay", "against", "n", "tellno", "tellnay", "teller against"]),
    ("ABSTAIN", &["abstain", "abstained", "abstention", "abstaining", "present"]),
    (
        "ABSENT",
        &[
            "absent",
            "not voting",
            "did not vote",
            "no vote",
            "excused",
            "not present",
            "leave of absence",
            "on leave",
        ],
    ),
    ("PAIRED", &["paired", "pair", "paired yes", "paired aye", "paired no"]),
];

/// The value that a word stands for.
fn meaning(words: &[(&'static str, &[&str])], word: &str) -> Option<&'static str> {
    let word = word.trim().to_lowercase().replace(['-', '_'], " ");
    words.iter().find(|(_, known)| known.contains(&word.as_str())).map(|(value, _)| *value)
}

impl<'a> Popolo<'a, '_> {
    /// Reads a motion and its divisions, and returns its key and its name.
    pub(super) fn motion(
        &mut self,
        mut entry: SourceObject<'a>,
    ) -> Result<Option<(String, String)>, ReadError> {
        let (text, identifier) = (entry.text("text"), entry.text("identifier"));
        let title =
            entry.text("name").or_else(|| entry.text("title")).or_else(|| text.as_deref().map(excerpt));
        let name = match (identifier, title) {
            (Some(identifier), Some(title)) => Some(format!("{identifier}: {title}")),
            (identifier, title) => title.or(identifier),
        };
        let Some(key) = self.key(&mut entry, name.as_deref()) else {
            self.mapper.reject("motions.id", "A motion needs an id or a text.")?;
            return Ok(None);
        };
        let name = name.unwrap_or_else(|| key.clone());
        let creator = self.actor_of(&mut entry, "creator", "PERSON")?;
        let proposers: Vec<Value> = creator.iter().map(|id| self.mapper.reference(id)).collect();
        let fields = json!({
            "name": name, "summary": text, "proposers": proposers, "proposedOn": PartialDate::take(&mut entry, "date").text(),
            "citations": self.citations(&mut entry, &key)?,
        });
        self.mapper.record("Motion", &key, &self.mapper.slug(&key), fields)?;
        for division in entry.objects("vote_events") {
            self.next();
            self.division(division, Some((key.clone(), name.clone())))?;
        }
        Ok(Some((key, name)))
    }

    /// Reads a vote event, of the motion if it is one of its own.
    pub(super) fn division(
        &mut self,
        mut entry: SourceObject<'a>,
        motion: Option<(String, String)>,
    ) -> Result<(), ReadError> {
        let motion = match entry.object("motion") {
            Some(embedded) => self.motion(embedded)?,
            None => motion,
        };
        let date = PartialDate::take(&mut entry, "start_date").text();
        let title = entry.text("name").or_else(|| entry.text("title")).or_else(|| entry.text("identifier"));
        let described = title.clone().or_else(|| {
            let (_, name) = motion.as_ref()?;
            Some(date.as_ref().map_or_else(|| name.clone(), |date| format!("{name}, {date}")))
        });
        let Some(key) = self.key(&mut entry, described.as_deref()) else {
            return Ok(self.mapper.reject("vote_events.id", "A vote event needs an id or a motion.")?);
        };
        let name = title
            .or_else(|| motion.as_ref().map(|(_, name)| name.clone()))
            .unwrap_or_else(|| format!("Division {key}"));
        let motion = entry.text("motion_id").or(motion.map(|(key, _)| key));
        let motion = match motion {
            Some(motion) => motion,
            // A division that names no motion is one on a motion of the same name.
            None => {
                let motion = format!("motion of {key}");
                let fields = json!({"name": name, "citations": self.mapper.cite(&key)});
                self.mapper.record("Motion", &motion, &self.mapper.slug(&motion), fields)?;
                motion
            }
        };
        let result = entry.text("result").and_then(|text| {
            let result = meaning(&RESULTS, &text);
            if result.is_none() {
                entry.change("result", "left out, expected pass or fail");
            }
            result
        });
        let meeting = entry.text("event_id");
        let fields = json!({
            "motion": self.mapper.reference(&motion), "name": name, "heldOn": date, "result": result,
            "meeting": self.reference(meeting.as_ref()), "citations": self.citations(&mut entry, &key)?,
        });
        self.mapper.record("Division", &key, &self.mapper.slug(&key), fields)?;
        let votes = entry.objects("votes");
        if !votes.is_empty() {
            // They follow from the votes.
            entry.redundant("counts");
            entry.redundant("group_results");
        }
        for vote in votes {
            self.vote(vote, Some(&key))?;
        }
        Ok(())
    }

    pub(super) fn vote(
        &mut self,
        mut entry: SourceObject<'a>,
        division: Option<&str>,
    ) -> Result<(), ReadError> {
        let own = entry.text("vote_event_id");
        let voter = self.actor_of(&mut entry, "voter", "PERSON")?;
        let party = self.actor_of(&mut entry, "group", "ORGANIZATION")?;
        let (Some(division), Some(voter)) = (division.or(own.as_deref()), voter) else {
            return Ok(self.mapper.reject("votes", "A vote needs a vote event and a voter.")?);
        };
        let option = entry.text("option").unwrap_or_default();
        let Some(choice) = meaning(&CHOICES, &option) else {
            let reason = format!("Unknown option `{option}`; expected yes, no, abstain, absent or paired.");
            return Ok(self.mapper.reject("votes.option", &reason)?);
        };
        self.voters.insert((voter.clone(), "PERSON"));
        self.voters.extend(party.clone().map(|party| (party, "ORGANIZATION")));
        let key = format!("{division} {voter}");
        let fields = json!({
            "division": self.mapper.reference(division), "actor": self.mapper.reference(&voter), "choice": choice,
            "party": self.reference(party.as_ref()),
        });
        Ok(self.mapper.record("Vote", &key, &self.mapper.slug(&key), fields)?)
    }
}
