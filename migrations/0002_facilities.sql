-- Facilities and their blood banks. The directory of facilities (name, place,
-- kind) is common knowledge inside the network, since one has to know whom to
-- ask; everything that happens in a facility is its own.

create table facilities (
    id bigint generated always as identity primary key,
    name text not null constraint facilities_name_key unique
        constraint facilities_name_check check (length(name) between 1 and 120),
    kind text not null constraint facilities_kind_check check (kind in ('blood_center', 'hospital', 'clinic')),
    region text not null,
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

-- What a network aims at; `component` null means all of them.
create table kpi_targets (
    kpi text not null,
    component text not null default 'all',
    target double precision not null,
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
