-- API keys, projects and the names of webhooks, which only D1 has.

create table projects (
    name         text not null primary key,
    created_at   integer not null,
    -- Where the project's users live: in D1, or in so many objects, in a jurisdiction and at a location if it says so.
    storage      text not null default 'd1',
    buckets      integer,
    jurisdiction text,
    location     text,
    -- The number of the place where they are, and the least that their revisions are from now on.
    generation   integer not null default 0,
    floor        integer not null default 0,
    -- Of a move: settled if there is none, copying, or switching while writes wait.
    phase        text not null default 'settled'
) strict, without rowid;

-- The last move of each project that was ever moved.
create table moves (
    project    text not null primary key,
    -- Of the place that it goes to. None is used twice.
    generation integer not null,
    -- 1 while users may be copied into D1.
    filling    integer not null,
    -- How far it is, as JSON.
    progress   text not null
) strict, without rowid;

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

-- Storage can be chosen while a project has no key.
create index api_keys_by_project on api_keys (project);

-- What else there is of a webhook, its object keeps: under the law that its project had when it was made.
create table webhooks (
    id           text not null primary key,
    project      text not null,
    jurisdiction text,
    created_at   integer not null
) strict, without rowid;

create index webhooks_by_project on webhooks (project);

-- Every key has a project, however the key is made.
create trigger project_of_new_key after insert on api_keys
BEGIN
    insert into projects (name, created_at) values (new.project, new.created_at) on conflict (name) do nothing;
END;
