-- What registers call the actors of the seed, so that datasets that know them by these names mean the same records. Only
-- where nobody but the seed has changed the actor, and no other actor has one of its identifiers.

select set_config('dossier.requester', 'seed', true);

with known (slug, scheme, value) as (
    values
        ('kazakhstan', 'wikidata', 'Q232'),
        ('kazakhstan', 'iso3166-1-alpha2', 'KZ'),
        ('kazakhstan', 'iso3166-1-alpha3', 'KAZ'),
        ('united-states', 'wikidata', 'Q30'),
        ('united-states', 'iso3166-1-alpha2', 'US'),
        ('united-states', 'iso3166-1-alpha3', 'USA'),
        ('israel', 'wikidata', 'Q801'),
        ('israel', 'iso3166-1-alpha2', 'IL'),
        ('israel', 'iso3166-1-alpha3', 'ISR'),
        ('azerbaijan', 'wikidata', 'Q227'),
        ('azerbaijan', 'iso3166-1-alpha2', 'AZ'),
        ('azerbaijan', 'iso3166-1-alpha3', 'AZE'),
        ('gaza-strip', 'wikidata', 'Q39760'),
        ('washington', 'wikidata', 'Q61'),
        ('donald-trump', 'wikidata', 'Q22686')
), unchanged as (
    select a.id, a.slug from actors a
    where a.slug in (select slug from known)
    and exists (select from revisions r where r.actor_id = a.id and r.requester = 'seed')
    and not exists (select from revisions r where r.actor_id = a.id and r.requester <> 'seed')
    and not exists (select from known join actor_identifiers i using (scheme, value) where known.slug = a.slug)
)
insert into actor_identifiers (actor_id, scheme, value)
select id, scheme, value from known join unchanged using (slug) order by id, scheme desc, value;
