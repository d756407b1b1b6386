create table projects (
    name       text not null primary key,
    created_at integer not null
) strict, without rowid;

insert into projects (name, created_at)
select project, min(created_at)
from (select project, created_at from api_keys union all select project, created_at from users)
group by project;

-- A project comes with its first key, whichever version of the Worker makes that.
-- The capitals are for D1, which else takes a trigger apart at its semicolons (cloudflare/workers-sdk#15314).
create trigger project_of_new_key after insert on api_keys
BEGIN
    insert into projects (name, created_at) values (new.project, new.created_at) on conflict (name) do nothing;
END;
