-- When each user last changed, in that order: a list with `updated_after` is a search here. Kept by triggers that write one
-- row when `updated_at` changes, and none else; an index on the column would be written anew with every update.
create table changes (
    project     text not null,
    updated_at  integer not null,
    external_id text not null,
    primary key (project, updated_at, external_id)
) strict, without rowid;

insert into changes (project, updated_at, external_id) select project, updated_at, external_id from users;

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
