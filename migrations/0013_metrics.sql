-- Metrics: what is measured, the series of each (one for every combination of
-- tags), their points as they came, and their sums by minute, hour and day.

-- A catalog installs these; a plain point of a name that nobody defined makes a
-- gauge of that name. Names are those of the whole installation, series belong to
-- facilities.
create table metric_definitions (
    id integer generated always as identity primary key,
    name text not null constraint metric_definitions_name_key unique
        constraint metric_definitions_name_check check (length(name) between 1 and 200),
    kind text not null constraint metric_definitions_kind_check check (kind in ('gauge', 'count', 'sum', 'avg', 'distinct', 'ratio')),
    label text not null default '',
    unit text not null default '',
    catalog text,
    event_type_id integer references event_types,
    -- JSON pointer into the event, such as /data/price
    value_path text,
    -- {"/data/status": ["approved"]}: each pointer must show one of its values
    condition jsonb not null default '{}',
    -- {"category": "/data/category"}: tag and where its value is found
    dimensions jsonb not null default '{}',
    -- of a ratio: names of two other metrics
    numerator text,
    denominator text,
    -- older points go to the dead letters; none: any age
    allowed_lateness interval,
    -- its points are kept this long, its sums by ours
    points_kept interval not null default '35 days',
    created_at timestamptz not null default clock_timestamp(),
    constraint metric_definitions_ratio_check check ((kind = 'ratio') = (numerator is not null and denominator is not null))
);
create index metric_definitions_event_type on metric_definitions (event_type_id);

create table series (
    facility_id bigint not null,
    id integer generated always as identity unique,
    metric_id integer not null references metric_definitions,
    tags jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (facility_id, id),
    constraint series_tags_key unique (facility_id, metric_id, tags)
);
create index series_metric on series (metric_id);

-- The points of a series in a minute that one transaction brought: `offsets` are
-- microseconds after `minute`, in order. A row for each point would cost forty
-- times as much.
create table points (
    facility_id bigint not null,
    series_id integer not null,
    minute timestamptz not null,
    offsets integer[] not null,
    "values" float8[] not null,
    received_at timestamptz not null
) partition by range (minute);
create index points_series on points (series_id, minute);

create table parts.points_old partition of points default;
revoke all on parts.points_old from pulseboard_app;
grant insert on parts.points_old to pulseboard_app;

-- Sums of a series, each exactly the sum over its points: `sum` adds values
-- rounded to a thousand-millionth, as decimals, so that no order of adding makes
-- another number. `sketch` holds the quantiles within half a percent. Hours and
-- days are those of the facility's zone, UTC for the installation.
create table rollups (
    facility_id bigint not null,
    series_id integer not null,
    step text not null constraint rollups_step_check check (step in ('minute', 'hour', 'day')),
    start timestamptz not null,
    count bigint not null,
    sum numeric not null,
    min float8 not null,
    max float8 not null,
    sketch bytea not null,
    updated_at timestamptz not null,
    primary key (facility_id, series_id, step, start)
) with (fillfactor = 70);

do $$
declare tenant text;
begin
    foreach tenant in array array['series', 'points', 'rollups'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
