-- The kernel: who may touch what, and what time it is.
--
-- The program connects as (or switches to) `pulseboard_app`, a role that owns
-- nothing and cannot bypass row level security. Every transaction states its
-- scope in `app.scope`: the facilities whose rows it may see and write, as an
-- array literal, or `all` for jobs and network administrators. A transaction
-- that forgets to say sees nothing.

do $$
begin
    create role pulseboard_app nologin;
exception when duplicate_object or unique_violation then
    null; -- roles belong to the cluster: another database made it
end $$;

grant usage on schema public to pulseboard_app;
alter default privileges in schema public grant select, insert, update, delete on tables to pulseboard_app;
alter default privileges in schema public grant usage, select on sequences to pulseboard_app;

-- Facilities in the scope of this transaction; the empty array when unset.
create function scope_facilities() returns bigint[] language sql stable parallel safe as $$
    select case when current_setting('app.scope', true) like '{%'
                then current_setting('app.scope', true)::bigint[]
                else '{}'::bigint[] end
$$;

create function scope_is_all() returns boolean language sql stable parallel safe as $$
    select coalesce(current_setting('app.scope', true) = 'all', false)
$$;

-- The time by which everything is judged. It is the database's, so that
-- instances with wandering clocks agree, and the statement's rather than the
-- transaction's, so that a writer who waited for a lock does not look back.
-- `app.clock_offset` lets a test travel.
--
-- Written with `case`: Postgres takes `coalesce` for something that could leak
-- rows past row level security, and then no index serves a condition with it.
create function clock_now() returns timestamptz language sql stable parallel safe as $$
    select case when current_setting('app.clock_offset', true) <> ''
                then statement_timestamp() + current_setting('app.clock_offset', true)::interval
                else statement_timestamp() end
$$;

-- A facility's calendar: the local date of an instant and the first instant
-- of a local date. A day is the half-open range [day_start(d), day_start(d + 1)):
-- 23, 24 or 25 hours long.
create function local_day(at timestamptz, zone text) returns date language sql immutable parallel safe as $$
    select (at at time zone zone)::date
$$;

-- Where midnight comes twice (Havana in November) the day begins at the first.
-- One expression, so that Postgres puts it into the query: a call costs 70 us.
create function day_start(day date, zone text) returns timestamptz language sql immutable parallel safe as $$
    select case when (day::timestamp at time zone zone - interval '1 hour') at time zone zone >= day::timestamp
                then day::timestamp at time zone zone - interval '1 hour'
                else day::timestamp at time zone zone end
$$;

-- One row that says whether the first administrator exists.
create table installation (
    id boolean primary key default true check (id),
    set_up_at timestamptz,
    synthetic boolean not null default false
);
insert into installation default values;

-- What happened, for those who must hear of it after the commit. `event` is
-- the JSON of `outbox::Event`; `facility_ids` are the boards it changes.
create table outbox (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    facility_ids bigint[] not null default '{}',
    event jsonb not null
);
create index outbox_at on outbox (at);

-- One row per slot of a scheduled job: whoever inserts it runs it. `fence`
-- grows with every claim, so a run that lost its lease cannot commit.
create sequence job_fence;
create table job_runs (
    job text not null,
    slot timestamptz not null,
    fence bigint not null default nextval('job_fence'),
    claimed_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    outcome text,
    primary key (job, slot)
);
grant usage, select on sequence job_fence to pulseboard_app;
