-- Where a project's users live: in D1, or in so many objects, under a law and in a place if it says so.
alter table projects add column storage text not null default 'd1';
alter table projects add column buckets integer;
alter table projects add column jurisdiction text;
alter table projects add column location text;

-- Storage can be chosen while a project has no key.
create index api_keys_by_project on api_keys (project);
