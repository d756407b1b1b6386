-- Users, and what finds them. The object of each bucket has these tables too.

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
    -- Grows with each write of the project that changes something.
    revision      integer not null,
    created_at    integer not null,
    updated_at    integer not null,
    -- When each member of the profile was set, for users that a body with `as_of` has touched. Null for all others.
    times         text
        constraint times_bytes check (octet_length(times) <= 1048576),
    -- 1 of a user who was deleted. Nothing is left then but the two ids and when, so that who follows the changes learns of it.
    gone          integer not null default 0,
    -- When the user was last deleted. It may have been created again since.
    deleted_at    integer,
    -- What a batch did with the user: its index in the array, and the limit that refused it. Only the statement that
    -- writes them reads them.
    batch_index   integer,
    batch_refusal text,
    primary key (project, external_id)
) strict, without rowid;

-- SQLite rewrites an index on a computed column with every update of what it is computed from. So the two tables below
-- take the place of indexes, and triggers write them only when their own columns change. The capitals in the triggers are
-- for D1, which otherwise splits a trigger at its semicolons (cloudflare/workers-sdk#15314).

-- Users by e-mail, in lower case, and by phone. The value itself shows which of the two it is.
create table contacts (
    project     text not null,
    contact     text not null,
    external_id text not null,
    primary key (project, contact, external_id)
) strict, without rowid;

create trigger contacts_of_new_user after insert on users
BEGIN
    insert into contacts (project, contact, external_id)
    select new.project, value, new.external_id from json_each(json_array(lower(new.email), new.phone)) where value is not null;
END;

create trigger contact_of_new_email after update of profile on users when lower(old.email) is not lower(new.email)
BEGIN
    delete from contacts where project = old.project and contact = lower(old.email) and external_id = old.external_id;
    insert into contacts (project, contact, external_id)
    select new.project, lower(new.email), new.external_id where new.email is not null;
END;

create trigger contact_of_new_phone after update of profile on users when old.phone is not new.phone
BEGIN
    delete from contacts where project = old.project and contact = old.phone and external_id = old.external_id;
    insert into contacts (project, contact, external_id)
    select new.project, new.phone, new.external_id where new.phone is not null;
END;

-- Users in the order of their revisions, which is that of commits. Those who are gone have an order of their own, in which
-- the oldest are found.
create table changes (
    project     text not null,
    gone        integer not null,
    revision    integer not null,
    external_id text not null,
    primary key (project, gone, revision)
) strict, without rowid;

create trigger change_of_new_user after insert on users
BEGIN
    insert into changes (project, gone, revision, external_id)
    values (new.project, new.gone, new.revision, new.external_id);
END;

create trigger change_of_user after update of revision on users when old.revision <> new.revision
BEGIN
    update changes set gone = new.gone, revision = new.revision
    where project = old.project and gone = old.gone and revision = old.revision;
END;

-- The greatest revision of a deletion that was forgotten: who has followed the changes less far has missed it.
create table forgotten (
    project  text not null primary key,
    revision integer not null
) strict, without rowid;

-- A deletion is kept for 30 days. Each write that changes something forgets up to ten that are older.
create trigger old_deletions_at_new_user after insert on users
BEGIN
    delete from users
    where project = new.project and gone and deleted_at <= new.revision / 1000 - 2592000000 and external_id in (
        select external_id from changes
        where project = new.project and gone = 1 and revision <= new.revision - 2592000000000
        order by revision
        limit 10
    );
END;

create trigger old_deletions_at_change after update of revision on users when old.revision <> new.revision
BEGIN
    delete from users
    where project = new.project and gone and deleted_at <= new.revision / 1000 - 2592000000 and external_id in (
        select external_id from changes
        where project = new.project and gone = 1 and revision <= new.revision - 2592000000000
        order by revision
        limit 10
    );
END;

create trigger forgotten_deletion after delete on users when old.gone
BEGIN
    delete from changes where project = old.project and gone = 1 and revision = old.revision;
    insert into forgotten (project, revision) values (old.project, old.revision)
    on conflict (project) do update set revision = max(revision, excluded.revision);
END;
