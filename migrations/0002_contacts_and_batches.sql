-- An index on a computed column is written anew with every update of what it is computed from.
drop index users_by_email;
drop index users_by_phone;

-- Who has an e-mail or a phone: it tells itself which of the two it is. Kept by triggers that write when it changes.
create table contacts (
    project     text not null,
    contact     text not null,
    external_id text not null,
    primary key (project, contact, external_id)
) strict, without rowid;

insert into contacts (project, contact, external_id)
select project, email, external_id from users where email is not null
union all
select project, phone, external_id from users where phone is not null;

-- The capitals are for D1, which else takes a trigger apart at its semicolons (cloudflare/workers-sdk#15314).
create trigger contacts_of_new_user after insert on users
BEGIN
    insert into contacts (project, contact, external_id)
    select new.project, value, new.external_id from json_each(json_array(new.email, new.phone)) where value is not null;
END;

create trigger contact_of_new_email after update of profile on users when old.email is not new.email
BEGIN
    delete from contacts where project = old.project and contact = old.email and external_id = old.external_id;
    insert into contacts (project, contact, external_id)
    select new.project, new.email, new.external_id where new.email is not null;
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
    where project = old.project and contact in (old.email, old.phone) and external_id = old.external_id;
END;

-- What a batch did with a user: the place in the array, and the limit that refused it. The statement that wrote them
-- answers them; nothing else reads them.
alter table users add column batch_place integer;
alter table users add column batch_refusal text;
