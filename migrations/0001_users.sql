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
    revision      integer not null,
    created_at    integer not null,
    updated_at    integer not null,
    -- When each member of the profile was set, for users that a body with `as_of` has touched. Null for all others.
    times         text
        constraint times_bytes check (octet_length(times) <= 1048576),
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

create trigger no_contacts_of_deleted_user after delete on users
BEGIN
    delete from contacts
    where project = old.project and contact in (lower(old.email), old.phone) and external_id = old.external_id;
END;

-- Users in the order of their last change: a list with `updated_after` is a search here.
create table changes (
    project     text not null,
    updated_at  integer not null,
    external_id text not null,
    primary key (project, updated_at, external_id)
) strict, without rowid;

create trigger change_of_new_user after insert on users
BEGIN
    insert into changes (project, updated_at, external_id) values (new.project, new.updated_at, new.external_id);
END;

create trigger change_of_user after update of updated_at on users when old.updated_at <> new.updated_at
BEGIN
    update changes set updated_at = new.updated_at
    where project = old.project and updated_at = old.updated_at and external_id = old.external_id;
END;

create trigger no_change_of_deleted_user after delete on users
BEGIN
    delete from changes
    where project = old.project and updated_at = old.updated_at and external_id = old.external_id;
END;
