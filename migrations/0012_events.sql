-- Events as they came, each once. `facility_id` 0 is the installation itself:
-- events of no facility, seen by network administrators and by keys without a
-- limit of facilities. So these tables name no facility by a foreign key, which
-- would also cost more than the rest of a row.
--
-- The big tables are divided by day. Days lie in the schema `parts`; the program
-- may add rows to a day, because COPY cannot pass row level security, and may
-- read and remove only through the table, which checks the scope. Whatever is
-- older than the days there are goes to the part `old`.

create schema parts;
grant usage on schema parts to pulseboard_app;

-- What an event may be. A catalog fills this; an event of a type that no catalog
-- knows is kept under its name, and feeds nothing.
create table event_types (
    id integer generated always as identity primary key,
    name text not null constraint event_types_name_key unique
        constraint event_types_name_check check (length(name) between 1 and 200),
    -- the catalog that installed it; none for a type that just came
    catalog text,
    -- older events go to the dead letters; none: any age
    allowed_lateness interval,
    -- JSON Schema of `data`
    data_schema jsonb,
    -- where actor and subject are found in `data`, as a JSON pointer
    actor_path text,
    subject_path text,
    -- raw events are kept this long
    retention interval not null default interval '90 days',
    created_at timestamptz not null default clock_timestamp()
);

create table events (
    facility_id bigint not null,
    at timestamptz not null,
    type_id integer not null,
    source text not null,
    id text not null,
    subject text,
    actor text,
    received_at timestamptz not null,
    data jsonb
) partition by range (at);
-- the days themselves need no key: `event_ids` is what keeps an event single
create index events_type on events (facility_id, type_id, at);

-- The lasting guard: an event of a facility is known by source and id, for as
-- long as it is kept. Both stand here as the first half of their SHA-256;
-- `digest` tells the same body from another.
create table event_ids (
    facility_id bigint not null,
    high bigint not null,
    low bigint not null,
    digest bigint not null,
    -- the later of the event's time and its receipt: the row goes when the event does, and not before
    since timestamptz not null,
    primary key (facility_id, high, low)
);

-- Answers to batches that carry no ids of their own, by the sender's key.
create table idempotent_batches (
    facility_id bigint not null,
    key_id bigint not null references api_keys on delete cascade,
    route text not null,
    key text not null constraint idempotent_batches_key_check check (length(key) between 1 and 255),
    body_hash bytea not null,
    status smallint not null,
    answer text not null,
    at timestamptz not null default clock_now(),
    primary key (facility_id, key_id, route, key)
);
create index idempotent_batches_at on idempotent_batches (at);

-- What could not be taken, with the reason, until somebody decides.
create table dead_letters (
    facility_id bigint not null,
    id bigint generated always as identity unique,
    at timestamptz not null default clock_now(),
    kind text not null constraint dead_letters_kind_check check (kind in ('event', 'point', 'message')),
    cause text not null constraint dead_letters_cause_check check (cause in ('late', 'conflict', 'invalid', 'poison')),
    reason text not null,
    -- who sent it: a key or a queue
    origin text not null,
    -- as it came, but for what cannot be text
    body text not null,
    source text,
    event_id text,
    type text,
    tries integer not null default 1,
    -- SHA-256 of origin and body: what is sent again stands here once
    hash bytea not null,
    edited_by bigint references users,
    edited_at timestamptz,
    primary key (facility_id, id),
    constraint dead_letters_hash_key unique (facility_id, cause, hash)
);
create index dead_letters_at on dead_letters (at desc);

-- Which days there are. Kept for the job that makes and removes them.
create table parts.days (
    of_table text not null,
    day date not null,
    made_at timestamptz not null default clock_timestamp(),
    primary key (of_table, day)
);
grant select on parts.days to pulseboard_app;

-- Makes the day of a table unless it is there. As the owner: the program makes no tables of its own.
create function make_day(of_table text, wanted date) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    part text := format('%s_%s', of_table, to_char(wanted, 'YYYYMMDD'));
begin
    if of_table not in ('events', 'points') then
        raise exception 'not divided by days: %', of_table;
    end if;
    perform pg_advisory_xact_lock(hashtext('parts'));
    if to_regclass(format('parts.%I', part)) is not null then
        return false;
    end if;
    -- rows of a day that came before it was made would forbid it: they stay where they are
    execute format('create table parts.%I partition of %I for values from (%L) to (%L)', part, of_table,
                   wanted::timestamp at time zone 'UTC', (wanted + 1)::timestamp at time zone 'UTC');
    execute format('revoke all on parts.%I from pulseboard_app', part);
    execute format('grant insert on parts.%I to pulseboard_app', part);
    insert into parts.days (of_table, day) values (of_table, wanted);
    return true;
exception when check_violation then
    return false;
end $$;

-- Removes the days of a table that lie before this one. Answers how many.
create function drop_days(wanted_table text, before date) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    gone integer := 0;
    one date;
begin
    perform pg_advisory_xact_lock(hashtext('parts'));
    for one in select d.day from parts.days d where d.of_table = wanted_table and d.day < before loop
        execute format('drop table parts.%I', format('%s_%s', wanted_table, to_char(one, 'YYYYMMDD')));
        delete from parts.days d where d.of_table = wanted_table and d.day = one;
        gone := gone + 1;
    end loop;
    return gone;
end $$;

create table parts.events_old partition of events default;
revoke all on parts.events_old from pulseboard_app;
grant insert on parts.events_old to pulseboard_app;

do $$
declare tenant text;
begin
    foreach tenant in array array['events', 'event_ids', 'idempotent_batches', 'dead_letters'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
