create table api_keys (
    id           text primary key,
    hash         text not null unique,
    prefix       text not null,
    name         text not null,
    project      text not null,
    scopes       text not null,
    created_at   integer not null,
    expires_at   integer,
    revoked_at   integer,
    last_used_at integer
) strict;

create table users (
    project       text not null,
    external_id   text not null,
    id            text not null,
    profile       text not null
        constraint profile_bytes check (octet_length(profile) <= 262144),
    property_keys integer not null
        constraint property_keys check (property_keys <= 300),
    origin_keys   integer not null
        constraint origin_keys check (origin_keys <= 300),
    email         text generated always as (profile ->> '$.email') virtual,
    phone         text generated always as (profile ->> '$.phone') virtual,
    revision      integer not null,
    created_at    integer not null,
    updated_at    integer not null,
    primary key (project, external_id)
) strict, without rowid;

create index users_by_email on users (project, email) where email is not null;
create index users_by_phone on users (project, phone) where phone is not null;
