-- Who may do what: keys, of which only a digest is kept.

create type key_role as enum ('READER', 'EDITOR', 'ADMIN');
comment on type key_role is 'What the holder of a key may do; each may do what those before it may.';

create table api_keys (
    id bigint generated always as identity primary key,
    name filled_text not null,
    role key_role not null,
    prefix text not null,
    digest bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint api_keys_name_taken unique (name),
    constraint api_keys_prefix_taken unique (prefix),
    constraint api_keys_digest_taken unique (digest),
    constraint api_keys_name_form check (
        length(name) <= 200 and name = btrim(name) and name !~ '[[:cntrl:]]' and not starts_with(name, 'dossier_')
    ),
    constraint api_keys_expires_later check (expires_at > created_at)
);
comment on table api_keys is 'Keys that callers show.';
comment on column api_keys.id is 'The number of the key.';
comment on column api_keys.name is 'Whose key it is: changes are recorded under this name, so it is given once.';
comment on column api_keys.role is 'What its holder may do.';
comment on column api_keys.prefix is 'The beginning of the secret, by which people tell keys apart.';
comment on column api_keys.digest is 'The SHA-256 of the secret, which nobody can be told again.';
comment on column api_keys.created_at is 'When it was made.';
comment on column api_keys.expires_at is 'When it ends, if it does by itself.';
comment on column api_keys.revoked_at is 'When it was revoked, if it was.';
