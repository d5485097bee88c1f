-- Catalogs as they were imported, whole: event types and metrics are copied from
-- here into their tables, and checks, enrichment and correlation are read from
-- the text by every instance.

create table catalogs (
    name text primary key constraint catalogs_name_check check (name ~ '^[a-z][a-z0-9-]{0,31}$'),
    version integer not null constraint catalogs_version_check check (version > 0),
    title text not null,
    -- the file as it came
    content text not null constraint catalogs_content_check check (octet_length(content) <= 524288),
    imported_at timestamptz not null default clock_now(),
    imported_by text not null
);

-- The boards that a catalog brought. Somebody may have deleted one since.
create table catalog_boards (
    catalog text not null references catalogs on delete cascade,
    slug text not null,
    board_id bigint not null references boards on delete cascade,
    primary key (catalog, slug)
);

-- Events that may be part of a case: which steps of a correlation (named by what
-- it emits) each can fill, for which key. Kept a while after the window is over,
-- for those that come late.
create table correlation_steps (
    facility_id bigint not null,
    emits text not null,
    key text not null,
    at timestamptz not null,
    -- a bit for each step
    steps smallint not null,
    source text not null,
    id text not null,
    seen_at timestamptz not null default clock_now(),
    primary key (facility_id, emits, key, at, source, id)
);
create index correlation_steps_seen on correlation_steps (seen_at);

-- Cases that were found. What a case is told as goes through the pipeline like
-- any event, in one transaction with `told`.
create table correlation_cases (
    facility_id bigint not null,
    emits text not null,
    key text not null,
    ended_at timestamptz not null,
    started_at timestamptz not null,
    -- ids of its events, in their order
    events text[] not null,
    told boolean not null default false,
    found_at timestamptz not null default clock_now(),
    primary key (facility_id, emits, key, ended_at)
);
create index correlation_cases_untold on correlation_cases (found_at) where not told;
create index correlation_cases_found on correlation_cases (found_at);

do $$
declare tenant text;
begin
    foreach tenant in array array['correlation_steps', 'correlation_cases'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
