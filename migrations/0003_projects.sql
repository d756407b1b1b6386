create table projects (
    name       text not null primary key,
    created_at integer not null
) strict, without rowid;

insert into projects (name, created_at)
select project, min(created_at) from api_keys group by project;

-- A project with users and no key left. It hops from project to project by the primary key, and reads no profile.
with recursive found as (
    select min(project) as project from users
    union all
    select (select min(project) from users where project > found.project) from found where project is not null
)
insert into projects (name, created_at)
select project, unixepoch() * 1000 from found where project is not null
on conflict (name) do nothing;

-- A project comes with its first key, whichever version of the Worker makes that.
-- The capitals are for D1, which else takes a trigger apart at its semicolons (cloudflare/workers-sdk#15314).
create trigger project_of_new_key after insert on api_keys
BEGIN
    insert into projects (name, created_at) values (new.project, new.created_at) on conflict (name) do nothing;
END;
