-- One interview, as one source: what it says, and nothing that it does not. It gives no date, no
-- verbatim quotation, no name of the interviewer and no figure, so these stay null. Locators are its
-- lines.

select set_config('dossier.requester', 'seed', true);

-- Names instead of numbers; a name that is not there stops the migration.
create function pg_temp.id_of(of_table regclass, of_slug text) returns bigint
    language plpgsql strict as
$$
declare
    found_id bigint;
begin
    execute format('select id from %s where slug = $1', of_table) into strict found_id using of_slug;
    return found_id;
end
$$;
create function pg_temp.actor(slug text) returns bigint language sql as $$ select pg_temp.id_of('actors', slug) $$;
create function pg_temp.topic(slug text) returns bigint language sql as $$ select pg_temp.id_of('topics', slug) $$;
create function pg_temp.meeting(slug text) returns bigint language sql as $$ select pg_temp.id_of('meetings', slug) $$;
create function pg_temp.statement(slug text) returns bigint language sql as $$ select pg_temp.id_of('statements', slug) $$;
create function pg_temp.commentary(slug text) returns bigint language sql as $$ select pg_temp.id_of('commentaries', slug) $$;
create function pg_temp.interview() returns bigint language sql as $$ select id from sources where slug = 'musavat-interview-with-yury-bocharov' $$;


-- Actors

insert into actors (slug, kind, name) values
    ('kassym-jomart-tokayev', 'PERSON', 'Kassym-Jomart Tokayev'),
    ('donald-trump', 'PERSON', 'Donald Trump'),
    ('yury-bocharov', 'PERSON', 'Yury Bocharov'),
    ('kazakhstan', 'COUNTRY', 'Kazakhstan'),
    ('united-states', 'COUNTRY', 'United States'),
    ('israel', 'COUNTRY', 'Israel'),
    ('azerbaijan', 'COUNTRY', 'Azerbaijan'),
    ('gaza-strip', 'TERRITORY', 'Gaza Strip'),
    ('washington', 'PLACE', 'Washington'),
    ('peace-council', 'ORGANIZATION', 'Peace Council'),
    ('donald-trump-institute-of-peace', 'ORGANIZATION', 'Donald Trump Institute of Peace'),
    ('musavat', 'MEDIA', 'musavat.com'),
    ('the-national-interest', 'MEDIA', 'The National Interest'),
    ('israeli-expert-and-political-circles', 'GROUP', 'Israeli expert and political circles'),
    ('israeli-political-community', 'GROUP', 'Israel''s political community'),
    ('muslim-world', 'GROUP', 'Muslim world'),
    ('jewish-world', 'GROUP', 'Jewish world'),
    ('american-business', 'GROUP', 'Representatives of American business');

insert into actor_names (actor_id, name, language, script, kind)
select pg_temp.actor(slug), name, 'en', 'Latn', kind::actor_name_kind
from (values
    ('kassym-jomart-tokayev', 'Tokayev', 'ALIAS'),
    ('donald-trump', 'Trump', 'ALIAS'),
    ('yury-bocharov', 'Yury Borisovich', 'PATRONYMIC'),
    ('united-states', 'US', 'ABBREVIATION'),
    ('gaza-strip', 'Gaza', 'ALIAS')
) as names (slug, name, kind);


-- The source. The article has no title: this one is devised.

insert into sources (slug, title, publisher_id, language) values (
    'musavat-interview-with-yury-bocharov',
    '[Interview with Yury Bocharov on the first Peace Council meeting]',
    pg_temp.actor('musavat'),
    'en'
);


-- Topics, larger ones first

insert into topics (slug, name) values
    ('post-conflict-reconstruction', 'Post-conflict reconstruction'),
    ('humanitarian-assistance', 'Humanitarian assistance'),
    ('stabilization-of-gaza', 'Stabilization of the Gaza Strip'),
    ('practical-approach-to-peace', 'Practical approach to peace'),
    ('economic-cooperation', 'Economic cooperation'),
    ('international-security', 'International security'),
    ('foreign-policy-of-kazakhstan', 'Foreign policy of Kazakhstan'),
    ('kazakhstan-us-relations', 'Relations of Kazakhstan and the United States'),
    ('kazakhstan-israel-relations', 'Relations of Kazakhstan and Israel'),
    ('public-signals', 'Public signals in diplomacy'),
    ('dialogue-between-civilizations', 'Dialogue between civilizations'),
    ('two-state-solution', 'Two-state solution');

insert into topics (slug, name, parent_id)
select slug, name, pg_temp.topic(parent)
from (values
    ('reconstruction-of-gaza', 'Reconstruction of Gaza', 'post-conflict-reconstruction'),
    ('humanitarian-support-for-gaza', 'Humanitarian support for Gaza and its region', 'humanitarian-assistance'),
    -- Only spoken of as possible, so it is a topic and no meeting.
    ('peacekeeping-mission-in-gaza', 'International stabilization mission in the Gaza Strip', 'stabilization-of-gaza'),
    ('infrastructure-projects', 'Infrastructure projects', 'economic-cooperation'),
    ('investments', 'Investments', 'economic-cooperation'),
    ('technology', 'Technology', 'economic-cooperation'),
    ('peace-council-award', 'Award under the auspices of the Peace Council', 'public-signals'),
    ('muslim-jewish-dialogue', 'Dialogue between the Muslim and Jewish worlds', 'dialogue-between-civilizations'),
    ('israel-and-the-muslim-world', 'Israel''s interaction with the Muslim world', 'muslim-jewish-dialogue')
) as topics (slug, name, parent);


-- Meetings

insert into meetings (slug, name, summary, mode, status, venue_id) values (
    'tokayev-visit-to-the-united-states',
    'Tokayev''s working visit to the United States',
    'During the visit Tokayev attended the first meeting of the Peace Council; according to Bocharov there were also meetings with American business.',
    'VISIT', 'OCCURRED', pg_temp.actor('washington')
), (
    'interview-with-yury-bocharov',
    'Interview with Yury Bocharov',
    'Six questions on the first Peace Council meeting and on what Kazakhstan does there.',
    'INTERVIEW', 'OCCURRED', null
);

insert into meetings (slug, name, summary, mode, status, venue_id, parent_id) values (
    'inaugural-peace-council-meeting',
    'Inaugural meeting of the Peace Council',
    'Its agenda was the rebuilding of Gaza and humanitarian help for the region.',
    'MULTILATERAL', 'OCCURRED', pg_temp.actor('donald-trump-institute-of-peace'),
    pg_temp.meeting('tokayev-visit-to-the-united-states')
), (
    'meetings-with-american-business',
    'Meetings with representatives of American business',
    'Joint projects were discussed. Known from Bocharov alone, who gives neither names nor form.',
    'OTHER', 'OCCURRED', null,
    pg_temp.meeting('tokayev-visit-to-the-united-states')
);

insert into meeting_participants (meeting_id, actor_id, role)
select pg_temp.meeting(meeting), pg_temp.actor(actor), role::participant_role
from (values
    ('tokayev-visit-to-the-united-states', 'kassym-jomart-tokayev', 'GUEST'),
    ('inaugural-peace-council-meeting', 'kassym-jomart-tokayev', 'SPEAKER'),
    ('inaugural-peace-council-meeting', 'donald-trump', 'ATTENDEE'),
    ('inaugural-peace-council-meeting', 'kazakhstan', 'ATTENDEE'),
    ('meetings-with-american-business', 'kassym-jomart-tokayev', 'ATTENDEE'),
    ('meetings-with-american-business', 'american-business', 'ATTENDEE'),
    ('interview-with-yury-bocharov', 'musavat', 'HOST'),
    ('interview-with-yury-bocharov', 'yury-bocharov', 'GUEST')
) as participants (meeting, actor, role);

insert into meeting_topics (meeting_id, topic_id)
select pg_temp.meeting(meeting), pg_temp.topic(topic)
from (values
    ('inaugural-peace-council-meeting', 'reconstruction-of-gaza'),
    ('inaugural-peace-council-meeting', 'humanitarian-support-for-gaza'),
    ('meetings-with-american-business', 'economic-cooperation')
) as agendas (meeting, topic);


-- Statements. All are paraphrased: the article quotes nobody.

insert into statements (slug, speaker_id, on_behalf_of_id, speaker_role, meeting_id, publication_id, medium, rendering, summary, event_type)
select
    slug, pg_temp.actor(speaker), pg_temp.actor(on_behalf_of), speaker_role, pg_temp.meeting(meeting),
    pg_temp.actor(publication), medium::statement_medium, 'PARAPHRASE', summary, event_type
from (values
    ('tokayev-practical-approach-to-peace', 'kassym-jomart-tokayev', null, 'President of Kazakhstan',
        'inaugural-peace-council-meeting', null, 'SPEECH', 'STATEMENT',
        'Peace should be approached practically: by building infrastructure, giving humanitarian help and working together economically.'),
    ('tokayev-readiness-to-help-stabilize-gaza', 'kassym-jomart-tokayev', 'kazakhstan', 'President of Kazakhstan',
        'inaugural-peace-council-meeting', null, 'SPEECH', 'AGREE',
        'Kazakhstan is ready to do its part in stabilizing the Gaza Strip and, as the third question has it, in rebuilding it.'),
    ('trump-gratitude', 'donald-trump', null, 'President of the United States',
        'inaugural-peace-council-meeting', null, 'UNSPECIFIED', 'SUPPORT',
        'He expressed gratitude; the article does not say for what.'),
    ('trump-assessment-of-kazakhstan', 'donald-trump', null, 'President of the United States',
        'inaugural-peace-council-meeting', null, 'UNSPECIFIED', 'SUPPORT',
        'He rated Kazakhstan highly, as a state that is stable and prosperous.'),
    ('tokayev-proposes-peace-council-award', 'kassym-jomart-tokayev', null, 'President of Kazakhstan',
        'inaugural-peace-council-meeting', null, 'UNSPECIFIED', 'REQUEST',
        'The Peace Council should have an award that carries Trump''s name.'),
    ('tokayev-article-in-the-national-interest', 'kassym-jomart-tokayev', null, 'President of Kazakhstan',
        null, 'the-national-interest', 'ARTICLE', 'STATEMENT',
        'In international initiatives Kazakhstan has a wider mission: to further dialogue between civilizations.'),
    ('tokayev-emphasis-on-investments-and-technology', 'kassym-jomart-tokayev', null, 'President of Kazakhstan',
        'tokayev-visit-to-the-united-states', null, 'UNSPECIFIED', 'STATEMENT',
        'He put the weight on investments, on technology and on closer economic ties with the United States.')
) as statements (slug, speaker, on_behalf_of, speaker_role, meeting, publication, medium, event_type, summary);

-- The public signals of the two presidents were exchanged between them.
insert into statement_addressees (statement_id, actor_id)
select pg_temp.statement(statement), pg_temp.actor(addressee)
from (values
    ('trump-gratitude', 'kassym-jomart-tokayev'),
    ('trump-assessment-of-kazakhstan', 'kassym-jomart-tokayev'),
    ('tokayev-proposes-peace-council-award', 'donald-trump')
) as addressees (statement, addressee);

insert into statement_topics (statement_id, topic_id)
select pg_temp.statement(statement), pg_temp.topic(topic)
from (values
    ('tokayev-practical-approach-to-peace', 'practical-approach-to-peace'),
    ('tokayev-practical-approach-to-peace', 'infrastructure-projects'),
    ('tokayev-practical-approach-to-peace', 'humanitarian-assistance'),
    ('tokayev-practical-approach-to-peace', 'economic-cooperation'),
    ('tokayev-readiness-to-help-stabilize-gaza', 'stabilization-of-gaza'),
    ('tokayev-readiness-to-help-stabilize-gaza', 'reconstruction-of-gaza'),
    ('trump-gratitude', 'public-signals'),
    ('trump-assessment-of-kazakhstan', 'public-signals'),
    ('trump-assessment-of-kazakhstan', 'kazakhstan-us-relations'),
    ('tokayev-proposes-peace-council-award', 'peace-council-award'),
    ('tokayev-article-in-the-national-interest', 'dialogue-between-civilizations'),
    ('tokayev-emphasis-on-investments-and-technology', 'investments'),
    ('tokayev-emphasis-on-investments-and-technology', 'technology'),
    ('tokayev-emphasis-on-investments-and-technology', 'kazakhstan-us-relations')
) as topics (statement, topic);


-- Commentaries: the six questions and what Bocharov answers. He puts no likelihood or confidence on
-- any of it in the terms of ICD 203.

insert into commentaries (slug, author_id, source_id, ordinal, question, summary)
select slug, pg_temp.actor('yury-bocharov'), pg_temp.interview(), ordinal, question, summary
from (values
    ('bocharov-on-the-first-peace-council-meeting', 1,
        'What did the first Peace Council meeting mean and bring, and what did Kazakhstan want from it?',
        'The meeting was more than a stage for speeches: it gave institutional form to a new way of deciding on rebuilding after conflicts. '
        'By taking part, Kazakhstan stops watching from outside and shares responsibility for security and recovery. '
        'Tokayev keeps the country where decisions about regional, and so global, stability are taken. '
        'The visit mattered strategically too, since work on stabilization, aid and infrastructure adds to Kazakhstan''s name as a dependable, pragmatic partner. '
        'He means to place it among the states that help to resolve crises at their roots rather than merely answer them.'),
    ('bocharov-on-public-signals', 2,
        'How much weight do the public signals between Tokayev and Trump carry, and what could they mean for the two countries?',
        'Such signals mark trust and make room for practical work. '
        'Trump''s thanks and praise go beyond protocol: they acknowledge that Kazakhstan''s part in the emerging security order is growing. '
        'Tokayev, an experienced politician, knows what the other side expects; the award he proposed is a pragmatic way to give the new format institutions and to strengthen personal channels. '
        'It adds a mechanism of trust, shows that Kazakhstan can adapt to a diplomacy in which personalities count more, and confirms the wish for a stronger partnership with the United States.'),
    ('bocharov-on-the-practical-approach', 3,
        'What is to be made of Tokayev''s practical approach and of Kazakhstan''s readiness to help stabilize and rebuild Gaza?',
        'Stressing concrete work, such as infrastructure, economic projects and aid, shows an understanding that lasting peace needs institutions and a social and economic base, and turns talk into implementation. '
        'Israeli expert and political circles look favourably on the possible presence of Kazakh peacekeepers in a stabilization mission in Gaza, since a contingent from a friendly, predictable country would help to keep order and restore civilian life. '
        'Israel wants states that it trusts in such missions and sees Kazakhstan as one; its readiness is taken as a continuation of Tokayev''s responsible course.'),
    ('bocharov-on-muslim-jewish-dialogue', 4,
        'Could Kazakhstan matter in the dialogue between the Muslim and the Jewish worlds?',
        'In The National Interest Tokayev described a wider mission, the dialogue of civilizations. '
        'So far Azerbaijan, Israel''s strategic partner with firm ties to it, has been the main channel to the Muslim world. '
        'Should Kazakhstan work steadily along similar lines with Muslim states, all sides would welcome it; Israel wants relations with countries open to constructive work, and Kazakhstan''s possible part as mediator in finding new partners is growing. '
        'Tokayev''s policy thus opens further room for dialogue, with Kazakhstan as the platform for states ready to work with Israel.'),
    ('bocharov-on-the-two-state-solution', 5,
        'How does Israel see a position that joins strong relations with Israel to support for the two-state solution?',
        'Israel''s political community prizes partners whose foreign policy is predictable and consistent. '
        'Israel itself has lately grown wary of using the two-state formula directly, as it is read in differing ways abroad that often do not match conditions and security on the ground. '
        'As Kazakhstan becomes more involved in Gaza and knows it better, its position may change. '
        'For now Tokayev''s course counts in Israel as balanced and measured, and leaves room for practical work.'),
    ('bocharov-on-investments-and-technology', 6,
        'What does the weight that Tokayev gave to investments and technology in Washington tell of the aims of the trip?',
        'It shows the wish to turn political contact with the United States into lasting partnership, and the understanding that peace initiatives should go together with economic cooperation and institutional ties. '
        'Meetings with American business and talks on joint projects show that the visit was comprehensive and meant to strengthen Kazakhstan''s place in the world economy. '
        'Tokayev''s foreign policy joins diplomacy with wider economic opportunity for the country.')
) as commentaries (slug, ordinal, question, summary);

insert into commentary_targets (commentary_id, actor_id)
select pg_temp.commentary(commentary), pg_temp.actor(actor)
from (values
    ('bocharov-on-the-first-peace-council-meeting', 'kazakhstan'),
    ('bocharov-on-the-first-peace-council-meeting', 'kassym-jomart-tokayev'),
    ('bocharov-on-the-first-peace-council-meeting', 'peace-council'),
    ('bocharov-on-public-signals', 'kassym-jomart-tokayev'),
    ('bocharov-on-public-signals', 'donald-trump'),
    ('bocharov-on-public-signals', 'kazakhstan'),
    ('bocharov-on-public-signals', 'united-states'),
    ('bocharov-on-public-signals', 'peace-council'),
    ('bocharov-on-the-practical-approach', 'kassym-jomart-tokayev'),
    ('bocharov-on-the-practical-approach', 'kazakhstan'),
    ('bocharov-on-the-practical-approach', 'israel'),
    ('bocharov-on-the-practical-approach', 'israeli-expert-and-political-circles'),
    ('bocharov-on-the-practical-approach', 'gaza-strip'),
    ('bocharov-on-muslim-jewish-dialogue', 'kazakhstan'),
    ('bocharov-on-muslim-jewish-dialogue', 'kassym-jomart-tokayev'),
    ('bocharov-on-muslim-jewish-dialogue', 'israel'),
    ('bocharov-on-muslim-jewish-dialogue', 'azerbaijan'),
    ('bocharov-on-muslim-jewish-dialogue', 'muslim-world'),
    ('bocharov-on-muslim-jewish-dialogue', 'jewish-world'),
    ('bocharov-on-the-two-state-solution', 'israel'),
    ('bocharov-on-the-two-state-solution', 'israeli-political-community'),
    ('bocharov-on-the-two-state-solution', 'kazakhstan'),
    ('bocharov-on-the-two-state-solution', 'kassym-jomart-tokayev'),
    ('bocharov-on-the-two-state-solution', 'gaza-strip'),
    ('bocharov-on-investments-and-technology', 'kassym-jomart-tokayev'),
    ('bocharov-on-investments-and-technology', 'kazakhstan'),
    ('bocharov-on-investments-and-technology', 'united-states'),
    ('bocharov-on-investments-and-technology', 'american-business')
) as targets (commentary, actor);

insert into commentary_targets (commentary_id, meeting_id)
select pg_temp.commentary(commentary), pg_temp.meeting(meeting)
from (values
    ('bocharov-on-the-first-peace-council-meeting', 'inaugural-peace-council-meeting'),
    ('bocharov-on-the-first-peace-council-meeting', 'tokayev-visit-to-the-united-states'),
    ('bocharov-on-public-signals', 'inaugural-peace-council-meeting'),
    ('bocharov-on-investments-and-technology', 'tokayev-visit-to-the-united-states'),
    ('bocharov-on-investments-and-technology', 'meetings-with-american-business')
) as targets (commentary, meeting);

insert into commentary_targets (commentary_id, statement_id)
select pg_temp.commentary(commentary), pg_temp.statement(statement)
from (values
    ('bocharov-on-public-signals', 'trump-gratitude'),
    ('bocharov-on-public-signals', 'trump-assessment-of-kazakhstan'),
    ('bocharov-on-public-signals', 'tokayev-proposes-peace-council-award'),
    ('bocharov-on-the-practical-approach', 'tokayev-practical-approach-to-peace'),
    ('bocharov-on-the-practical-approach', 'tokayev-readiness-to-help-stabilize-gaza'),
    ('bocharov-on-muslim-jewish-dialogue', 'tokayev-article-in-the-national-interest'),
    ('bocharov-on-investments-and-technology', 'tokayev-emphasis-on-investments-and-technology')
) as targets (commentary, statement);

insert into commentary_targets (commentary_id, topic_id)
select pg_temp.commentary(commentary), pg_temp.topic(topic)
from (values
    ('bocharov-on-the-first-peace-council-meeting', 'post-conflict-reconstruction'),
    ('bocharov-on-the-first-peace-council-meeting', 'international-security'),
    ('bocharov-on-the-first-peace-council-meeting', 'humanitarian-assistance'),
    ('bocharov-on-the-first-peace-council-meeting', 'infrastructure-projects'),
    ('bocharov-on-the-first-peace-council-meeting', 'foreign-policy-of-kazakhstan'),
    ('bocharov-on-public-signals', 'public-signals'),
    ('bocharov-on-public-signals', 'peace-council-award'),
    ('bocharov-on-public-signals', 'kazakhstan-us-relations'),
    ('bocharov-on-public-signals', 'international-security'),
    ('bocharov-on-the-practical-approach', 'practical-approach-to-peace'),
    ('bocharov-on-the-practical-approach', 'stabilization-of-gaza'),
    ('bocharov-on-the-practical-approach', 'peacekeeping-mission-in-gaza'),
    ('bocharov-on-the-practical-approach', 'reconstruction-of-gaza'),
    ('bocharov-on-the-practical-approach', 'humanitarian-assistance'),
    ('bocharov-on-the-practical-approach', 'infrastructure-projects'),
    ('bocharov-on-muslim-jewish-dialogue', 'dialogue-between-civilizations'),
    ('bocharov-on-muslim-jewish-dialogue', 'muslim-jewish-dialogue'),
    ('bocharov-on-muslim-jewish-dialogue', 'israel-and-the-muslim-world'),
    ('bocharov-on-muslim-jewish-dialogue', 'foreign-policy-of-kazakhstan'),
    ('bocharov-on-the-two-state-solution', 'two-state-solution'),
    ('bocharov-on-the-two-state-solution', 'kazakhstan-israel-relations'),
    ('bocharov-on-the-two-state-solution', 'foreign-policy-of-kazakhstan'),
    ('bocharov-on-investments-and-technology', 'investments'),
    ('bocharov-on-investments-and-technology', 'technology'),
    ('bocharov-on-investments-and-technology', 'economic-cooperation'),
    ('bocharov-on-investments-and-technology', 'kazakhstan-us-relations'),
    ('bocharov-on-investments-and-technology', 'foreign-policy-of-kazakhstan')
) as targets (commentary, topic);


-- Relations

insert into relations (slug, subject_id, object_id, kind, label)
select slug, pg_temp.actor(subject), pg_temp.actor(object), kind::relation_kind, label
from (values
    ('tokayev-president-of-kazakhstan', 'kassym-jomart-tokayev', 'kazakhstan', 'POSITION', 'President'),
    ('trump-president-of-the-united-states', 'donald-trump', 'united-states', 'POSITION', 'President'),
    ('bocharov-israeli-analyst', 'yury-bocharov', 'israel', 'NATIONALITY', 'Israeli political analyst, PhD in political science'),
    ('israeli-political-community-of-israel', 'israeli-political-community', 'israel', 'NATIONALITY', 'Political community'),
    ('israeli-circles-of-israel', 'israeli-expert-and-political-circles', 'israel', 'NATIONALITY', 'Expert and political circles'),
    ('american-business-of-the-united-states', 'american-business', 'united-states', 'NATIONALITY', 'Business'),
    ('institute-of-peace-in-washington', 'donald-trump-institute-of-peace', 'washington', 'LOCATION', null),
    ('kazakhstan-in-the-peace-council', 'kazakhstan', 'peace-council', 'PARTICIPATION', null),
    ('kazakhstan-us-partnership', 'kazakhstan', 'united-states', 'PARTNERSHIP', null),
    -- A premise of the fifth question; the third answer calls Kazakhstan a partner that Israel trusts.
    ('kazakhstan-israel-relations', 'kazakhstan', 'israel', 'PARTNERSHIP', 'Strong relations'),
    ('azerbaijan-israel-partnership', 'azerbaijan', 'israel', 'PARTNERSHIP', 'Strategic partner')
) as relations (slug, subject, object, kind, label);


-- Positions

insert into positions (slug, holder_id, topic_id, stance, statement_id, commentary_id)
select slug, pg_temp.actor(holder), pg_temp.topic(topic), stance::stance, pg_temp.statement(statement), pg_temp.commentary(commentary)
from (values
    -- Support for two states stands only in the fifth question, as a premise that the answer accepts.
    ('tokayev-on-the-two-state-solution', 'kassym-jomart-tokayev', 'two-state-solution', 'SUPPORTS', null, 'bocharov-on-the-two-state-solution'),
    ('kazakhstan-on-the-two-state-solution', 'kazakhstan', 'two-state-solution', 'SUPPORTS', null, 'bocharov-on-the-two-state-solution'),
    -- Wary of the formula, which is reserve and not yet opposition.
    ('israel-on-the-two-state-solution', 'israel', 'two-state-solution', 'NEUTRAL', null, 'bocharov-on-the-two-state-solution'),
    ('israel-on-the-foreign-policy-of-kazakhstan', 'israel', 'foreign-policy-of-kazakhstan', 'SUPPORTS', null, 'bocharov-on-the-two-state-solution'),
    ('israeli-circles-on-a-peacekeeping-mission', 'israeli-expert-and-political-circles', 'peacekeeping-mission-in-gaza', 'SUPPORTS', null, 'bocharov-on-the-practical-approach'),
    ('israel-on-a-peacekeeping-mission', 'israel', 'peacekeeping-mission-in-gaza', 'SUPPORTS', null, 'bocharov-on-the-practical-approach'),
    ('israel-on-the-muslim-world', 'israel', 'israel-and-the-muslim-world', 'SUPPORTS', null, 'bocharov-on-muslim-jewish-dialogue'),
    ('kazakhstan-on-the-stabilization-of-gaza', 'kazakhstan', 'stabilization-of-gaza', 'SUPPORTS', 'tokayev-readiness-to-help-stabilize-gaza', null),
    ('kazakhstan-on-the-reconstruction-of-gaza', 'kazakhstan', 'reconstruction-of-gaza', 'SUPPORTS', 'tokayev-readiness-to-help-stabilize-gaza', null),
    ('tokayev-on-the-practical-approach', 'kassym-jomart-tokayev', 'practical-approach-to-peace', 'SUPPORTS', 'tokayev-practical-approach-to-peace', null),
    ('tokayev-on-dialogue-between-civilizations', 'kassym-jomart-tokayev', 'dialogue-between-civilizations', 'SUPPORTS', 'tokayev-article-in-the-national-interest', null),
    ('tokayev-on-relations-with-the-united-states', 'kassym-jomart-tokayev', 'kazakhstan-us-relations', 'SUPPORTS', 'tokayev-emphasis-on-investments-and-technology', null)
) as positions (slug, holder, topic, stance, statement, commentary);


-- Citations: the lines that say so

insert into citations (source_id, locator, actor_id)
select pg_temp.interview(), locator, pg_temp.actor(actor)
from (values
    ('L1', 'kassym-jomart-tokayev'), ('L1', 'kazakhstan'), ('L1', 'united-states'), ('L1', 'washington'),
    ('L1', 'peace-council'), ('L1', 'donald-trump-institute-of-peace'), ('L1', 'gaza-strip'),
    ('L2', 'yury-bocharov'), ('L4', 'yury-bocharov'), ('L2', 'israel'), ('L3', 'musavat'),
    ('L10', 'donald-trump'), ('L11', 'donald-trump'), ('L17', 'israeli-expert-and-political-circles'),
    ('L20', 'muslim-world'), ('L21', 'muslim-world'), ('L20', 'jewish-world'), ('L21', 'azerbaijan'),
    ('L21', 'the-national-interest'), ('L26', 'israeli-political-community'), ('L32', 'american-business')
) as citations (locator, actor);

insert into citations (source_id, locator, topic_id)
select pg_temp.interview(), locator, pg_temp.topic(topic)
from (values
    ('L1', 'reconstruction-of-gaza'), ('L1', 'humanitarian-support-for-gaza'), ('L1', 'humanitarian-assistance'),
    ('L1', 'stabilization-of-gaza'), ('L1', 'practical-approach-to-peace'), ('L1', 'economic-cooperation'),
    ('L1', 'infrastructure-projects'), ('L5', 'post-conflict-reconstruction'), ('L5', 'international-security'),
    ('L10', 'public-signals'), ('L10', 'kazakhstan-us-relations'), ('L12', 'peace-council-award'),
    ('L17', 'peacekeeping-mission-in-gaza'), ('L20', 'muslim-jewish-dialogue'), ('L21', 'dialogue-between-civilizations'),
    ('L21', 'israel-and-the-muslim-world'), ('L25', 'kazakhstan-israel-relations'), ('L25', 'two-state-solution'),
    ('L29', 'investments'), ('L29', 'technology'), ('L33', 'foreign-policy-of-kazakhstan')
) as citations (locator, topic);

insert into citations (source_id, locator, meeting_id)
select pg_temp.interview(), locator, pg_temp.meeting(meeting)
from (values
    ('L1', 'tokayev-visit-to-the-united-states'), ('L29', 'tokayev-visit-to-the-united-states'),
    ('L1', 'inaugural-peace-council-meeting'), ('L5', 'inaugural-peace-council-meeting'), ('L10', 'inaugural-peace-council-meeting'),
    ('L32', 'meetings-with-american-business'),
    ('L2', 'interview-with-yury-bocharov'), ('L3', 'interview-with-yury-bocharov')
) as citations (locator, meeting);

insert into citations (source_id, locator, statement_id)
select pg_temp.interview(), locator, pg_temp.statement(statement)
from (values
    ('L1', 'tokayev-practical-approach-to-peace'), ('L16', 'tokayev-practical-approach-to-peace'),
    ('L1', 'tokayev-readiness-to-help-stabilize-gaza'), ('L15', 'tokayev-readiness-to-help-stabilize-gaza'),
    ('L10', 'trump-gratitude'), ('L11', 'trump-gratitude'),
    ('L10', 'trump-assessment-of-kazakhstan'), ('L11', 'trump-assessment-of-kazakhstan'),
    ('L10', 'tokayev-proposes-peace-council-award'), ('L12', 'tokayev-proposes-peace-council-award'),
    ('L21', 'tokayev-article-in-the-national-interest'),
    ('L29', 'tokayev-emphasis-on-investments-and-technology'), ('L30', 'tokayev-emphasis-on-investments-and-technology')
) as citations (locator, statement);

-- The question's line, then the lines of the answer.
insert into citations (source_id, locator, commentary_id)
select pg_temp.interview(), 'L' || line, pg_temp.commentary(commentary)
from (values
    ('bocharov-on-the-first-peace-council-meeting', '{4, 5, 6, 7, 9}'::integer[]),
    ('bocharov-on-public-signals', '{10, 11, 12, 13}'),
    ('bocharov-on-the-practical-approach', '{15, 16, 17, 19}'),
    ('bocharov-on-muslim-jewish-dialogue', '{20, 21, 22, 24}'),
    ('bocharov-on-the-two-state-solution', '{25, 26, 27}'),
    ('bocharov-on-investments-and-technology', '{29, 30, 32, 33}')
) as citations (commentary, lines)
cross join unnest(lines) as line;

insert into citations (source_id, locator, relation_id)
select pg_temp.interview(), locator, pg_temp.id_of('relations', relation)
from (values
    ('L1', 'tokayev-president-of-kazakhstan'), ('L11', 'trump-president-of-the-united-states'),
    ('L2', 'bocharov-israeli-analyst'), ('L26', 'israeli-political-community-of-israel'),
    ('L17', 'israeli-circles-of-israel'), ('L32', 'american-business-of-the-united-states'), ('L1', 'institute-of-peace-in-washington'),
    ('L5', 'kazakhstan-in-the-peace-council'), ('L9', 'kazakhstan-in-the-peace-council'),
    ('L13', 'kazakhstan-us-partnership'), ('L19', 'kazakhstan-israel-relations'),
    ('L25', 'kazakhstan-israel-relations'), ('L21', 'azerbaijan-israel-partnership')
) as citations (locator, relation);

insert into citations (source_id, locator, position_id)
select pg_temp.interview(), locator, pg_temp.id_of('positions', position)
from (values
    ('L25', 'tokayev-on-the-two-state-solution'),
    ('L25', 'kazakhstan-on-the-two-state-solution'), ('L27', 'kazakhstan-on-the-two-state-solution'),
    ('L26', 'israel-on-the-two-state-solution'), ('L27', 'israel-on-the-foreign-policy-of-kazakhstan'),
    ('L17', 'israeli-circles-on-a-peacekeeping-mission'), ('L19', 'israel-on-a-peacekeeping-mission'),
    ('L22', 'israel-on-the-muslim-world'), ('L1', 'kazakhstan-on-the-stabilization-of-gaza'),
    ('L15', 'kazakhstan-on-the-stabilization-of-gaza'), ('L19', 'kazakhstan-on-the-stabilization-of-gaza'),
    ('L15', 'kazakhstan-on-the-reconstruction-of-gaza'),
    ('L1', 'tokayev-on-the-practical-approach'), ('L21', 'tokayev-on-dialogue-between-civilizations'),
    ('L30', 'tokayev-on-relations-with-the-united-states')
) as citations (locator, position);

drop function pg_temp.interview, pg_temp.commentary, pg_temp.statement, pg_temp.meeting, pg_temp.topic, pg_temp.actor, pg_temp.id_of;
