-- When each member of a profile was set, for users that a body with `as_of` has touched; null for all others.
alter table users add column times text
    constraint times_bytes check (octet_length(times) <= 1048576);
