-- Facilities and their blood banks. The directory of facilities (name, place,
-- kind) is common knowledge inside the network, since one has to know whom to
-- ask; everything that happens in a facility is its own.

create table facilities (
    id bigint generated always as identity primary key,
    name text not null constraint facilities_name_key unique
        constraint facilities_name_check check (length(name) between 1 and 120),
    kind text not null constraint facilities_kind_check check (kind in ('blood_center', 'hospital', 'clinic')),
    region text not null constraint facilities_region_check check (length(region) between 1 and 80),
    latitude double precision not null constraint facilities_latitude_check check (latitude between -90 and 90),
    longitude double precision not null constraint facilities_longitude_check check (longitude between -180 and 180),
    time_zone text not null,
    parent_id bigint references facilities,
    -- local hour at which the daily stock is counted (after the main take-down, before the delivery)
    count_hour smallint not null default 7 constraint facilities_count_hour_check check (count_hour between 0 and 23),
    -- the facility lets others of the network see how many issuable units it holds
    shares_availability boolean not null default true,
    active boolean not null default true,
    created_at timestamptz not null default clock_timestamp()
);
create index facilities_parent on facilities (parent_id);

-- Nobody is their own ancestor. Moves wait for each other here, so that two of
-- them at once cannot make a circle that neither sees.
create function facilities_hierarchy() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('facilities_hierarchy'));
    if exists (
        with recursive above as (
            select new.parent_id as id
            union
            select f.parent_id from above join facilities f on f.id = above.id
        )
        select from above where id = new.id
    ) then
        raise exception 'a facility cannot belong to itself or to one below it'
            using errcode = 'check_violation', constraint = 'facilities_hierarchy_check';
    end if;
    return new;
end $$;
create trigger facilities_hierarchy before insert or update of parent_id on facilities
    for each row when (new.parent_id is not null) execute function facilities_hierarchy();

-- When a facility works: minutes after local midnight by weekday (1 Monday to 7
-- Sunday); a weekday without a row is closed, a facility without any row has
-- not said. An exception holds on its date instead, without times it is closed.
-- Common knowledge like the directory: one has to know who answers now.
create table facility_hours (
    facility_id bigint not null references facilities,
    weekday smallint not null constraint facility_hours_weekday_check check (weekday between 1 and 7),
    opens smallint not null,
    closes smallint not null,
    primary key (facility_id, weekday),
    constraint facility_hours_order_check check (opens >= 0 and opens < closes and closes <= 1440)
);
create table facility_exceptions (
    facility_id bigint not null references facilities,
    day date not null,
    opens smallint,
    closes smallint,
    note text not null default '' constraint facility_exceptions_note_check check (length(note) <= 120),
    primary key (facility_id, day),
    constraint facility_exceptions_order_check check (
        (opens is null and closes is null) or (opens >= 0 and opens < closes and closes <= 1440))
);

create table blood_banks (
    facility_id bigint not null references facilities,
    id bigint generated always as identity unique,
    name text not null constraint blood_banks_name_check check (length(name) between 1 and 120),
    primary key (facility_id, id),
    constraint blood_banks_name_key unique (facility_id, name)
);

-- Shelf lives by component: a network's own table, never a constant in code.
-- Lives in days end at 23:59 local of the last day (collection is day 0);
-- lives in hours are exact.
create table component_lives (
    component text primary key,
    life_days integer,
    life_hours integer,
    storage text not null,
    source text not null,
    check ((life_days is null) <> (life_hours is null)),
    check (coalesce(life_days, life_hours) > 0)
);
insert into component_lives (component, life_days, life_hours, storage, source) values
    ('whole_blood', 35, null, '1-6 °C', '21 CFR 610.53, CPDA-1'),
    ('red_cells', 42, null, '1-6 °C', '21 CFR 610.53, additive solution'),
    ('platelets', 5, null, '20-24 °C, agitated', '21 CFR 610.53'),
    ('plasma', 365, null, '-18 °C or colder', '21 CFR 610.53, fresh frozen plasma'),
    ('cryoprecipitate', 365, null, '-18 °C or colder', '21 CFR 610.53');

-- Levels of issuable units per facility, group and component. Under minimum is
-- critical, under reorder is low, under target is watch, else good.
create table stock_thresholds (
    facility_id bigint not null references facilities,
    component text not null references component_lives (component),
    blood_group text not null,
    minimum integer not null check (minimum >= 0),
    reorder integer not null,
    target integer not null,
    primary key (facility_id, component, blood_group),
    constraint stock_thresholds_order_check check (minimum <= reorder and reorder <= target)
);

-- Why units are discarded. Codes stand in the movements for ever, so a reason
-- is retired and never removed. The program itself writes those that are
-- `built_in`; they cannot be retired.
create table discard_reasons (
    code text primary key constraint discard_reasons_code_check check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    label text not null constraint discard_reasons_label_key unique
        constraint discard_reasons_label_check check (length(label) between 1 and 60),
    place integer not null default 100,
    active boolean not null default true,
    built_in boolean not null default false,
    source text not null default '',
    constraint discard_reasons_built_in_check check (active or not built_in)
);
insert into discard_reasons (code, label, place, built_in, source) values
    ('time_expired', 'Time-expired', 10, true, 'WAPI, time-expired part'),
    ('damaged', 'Damaged', 20, false, 'WAPI'),
    ('temperature', 'Out of temperature', 30, false, '21 CFR 640.2'),
    ('test_positive', 'Positive test', 40, true, 'BSIS'),
    ('quality', 'Quality', 50, false, 'WAPI'),
    ('recalled', 'Recalled', 60, false, 'WAPI'),
    ('other', 'Other', 70, true, 'with a note');

-- What a network aims at; `component` is `all` for a target of every one.
create table kpi_targets (
    kpi text not null,
    component text not null default 'all',
    target double precision not null constraint kpi_targets_target_check check (target >= 0 and target <= 10000),
    unit text not null,
    source text not null,
    primary key (kpi, component)
);
insert into kpi_targets (kpi, component, target, unit, source) values
    ('days_of_stock', 'red_cells', 6, 'days', 'NHSBT planning figure'),
    ('days_of_stock', 'platelets', 1, 'days', 'NHSBT planning figure'),
    ('wastage', 'red_cells', 3, '%', 'Australian national target'),
    ('wastage', 'platelets', 18, '%', 'Australian national target'),
    ('wastage', 'plasma', 10, '%', 'Australian national target'),
    ('o_negative_share', 'red_cells', 12.5, '%', 'NBTC'),
    ('fill_rate', 'all', 90, '%', 'OpenBoxes reference target');

do $$
declare tenant text;
begin
    foreach tenant in array array['blood_banks', 'stock_thresholds'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
