-- Sums of days that are over, and of what stands on the shelves: so that a board
-- over a thousand facilities and a year reads thousands of rows, not millions.
--
-- None of this is a second definition. What is counted is said once, in
-- `counted`; a figure of today reads it, the sums of a closed day are written
-- from it, and `pulseboard verify` compares the two.
--
-- A day is closed for the whole network when it is over everywhere
-- (`closed_days`). Whatever changes the past of a facility afterwards reopens
-- its day in the same transaction (`reopened_days`); a reopened day is read
-- from its rows until it is closed again. So a sum is exact or not used.

-- Everything that happens at an instant and is counted by the day on which it did.
create view counted with (security_invoker = true) as
    -- each column of each part has its type written out: only then does Postgres look into the parts for their indexes
    select 'requests.raised'::text as measure, facility_id, created_at as at, component, blood_group, urgency,
           null::text as reason, 1::bigint as amount, null::bigint as over
    from blood_requests
    union all
    select 'requests.fulfilled'::text, facility_id, closed_at, component, blood_group, urgency,
           null::text, 1::bigint, null::bigint
    from blood_requests where status = 'fulfilled' and closed_at is not null
    union all
    -- units that came over units that were asked for; more than asked counts as all of it
    select 'requests.fill_rate'::text, facility_id, closed_at, component, blood_group, urgency,
           null::text, least(fulfilled, quantity)::bigint, quantity::bigint
    from blood_requests where status <> 'cancelled' and closed_at is not null
    union all
    select 'distributions.sent'::text, facility_id, dispatched_at, null::text, null::text, null::text,
           null::text, sent::bigint, null::bigint
    from blood_distributions
    union all
    select 'distributions.delivered'::text, dispatched_to_id, date_delivered, null::text, null::text, null::text,
           null::text, quantity::bigint, null::bigint
    from blood_distributions
    union all
    select 'distributions.short'::text, dispatched_to_id, date_delivered, null::text, null::text, null::text,
           null::text, (sent - quantity)::bigint, null::bigint
    from blood_distributions where status = 'delivered_short'
    union all
    select 'inventory.received'::text, facility_id, at, component, blood_group, null::text,
           null::text, quantity::bigint, null::bigint
    from inventory_movements where kind = 'received'
    union all
    select 'inventory.issued'::text, facility_id, at, component, blood_group, null::text,
           null::text, quantity::bigint, null::bigint
    from inventory_movements where kind = 'issued'
    union all
    -- of a reason that has a note only the reason is told apart
    select 'inventory.discarded'::text, facility_id, at, component, blood_group, null::text,
           coalesce(split_part(reason, ':', 1), ''), quantity::bigint, null::bigint
    from inventory_movements where kind = 'discarded'
    union all
    select 'inventory.expired'::text, facility_id, at, component, blood_group, null::text,
           null::text, quantity::bigint, null::bigint
    from inventory_movements where kind = 'expired'
    union all
    -- what left the shelf less what came back to it; a unit counts once, when it leaves
    select 'inventory.demand'::text, facility_id, at, component, blood_group, null::text, null::text,
           (case when from_status in ('quarantined', 'available', 'reserved') then quantity else -quantity end)::bigint,
           null::bigint
    from inventory_movements
    where (from_status in ('quarantined', 'available', 'reserved')
           and to_status in ('issued', 'in_transit', 'expired', 'discarded'))
       or (from_status in ('issued', 'in_transit', 'discarded') and to_status in ('quarantined', 'available'));

-- The same of one measure in a time, of whatever facilities are in scope. Inside a
-- larger statement the parts of the view that do not concern the measure would be
-- weighed with it: they are never read, and yet so dear that the planner no longer
-- tells a good join of the rest from a bad one. Here they are planned by themselves,
-- once for a connection.
create function counted_between(what text, starts timestamptz, ends timestamptz) returns setof counted
language plpgsql stable rows 1000 set plan_cache_mode = force_generic_plan as $$
begin
    return query select c.* from counted c where c.measure = what and c.at >= starts and c.at < ends;
end $$;

-- The days that are not closed are found by their time, for all facilities at once.
create index blood_requests_raised_at on blood_requests using brin (created_at) with (autosummarize = on);
create index blood_requests_closed_at on blood_requests (closed_at) where closed_at is not null;
create index blood_distributions_sent_at on blood_distributions using brin (dispatched_at) with (autosummarize = on);
create index blood_distributions_delivered_at on blood_distributions (date_delivered) where date_delivered is not null;
create index inventory_movements_at on inventory_movements using brin (at) with (pages_per_range = 16, autosummarize = on);

create table closed_days (
    day date primary key,
    closed_at timestamptz not null default clock_now()
);

create table reopened_days (
    facility_id bigint not null references facilities,
    id bigint generated always as identity,
    day date not null,
    primary key (facility_id, id)
);
create index reopened_days_day on reopened_days (day);

-- Sums of one closed day over a region, or over the whole network where `area`
-- is empty. `grain` says what a row is split by: 1 component, 2 group, 4 detail
-- (urgency or reason), 8 hour of the day; what it is not split by is '*' or null.
create table area_sums (
    area text not null,
    measure text not null,
    grain smallint not null,
    day date not null,
    component text not null,
    blood_group text not null,
    detail text not null,
    hour smallint,
    value bigint not null,
    over bigint
);
create index area_sums_read on area_sums (area, measure, grain, day) include (component, blood_group, detail, hour, value, over);
create index area_sums_day on area_sums (day);

-- Sums of whole weeks of closed days by facility; `week` is their Monday.
create table facility_weeks (
    facility_id bigint not null references facilities,
    measure text not null,
    week date not null,
    value bigint not null,
    over bigint,
    primary key (facility_id, measure, week) include (value, over)
);
create index facility_weeks_week on facility_weeks (week);

-- The sums of a day out of its rows.
create function area_sums_of(on_day date)
returns table (area text, measure text, grain smallint, component text, blood_group text, detail text, hour smallint,
               value bigint, over bigint)
language sql stable as $$
    with here as materialized (
        select id, region, time_zone, day_start(on_day, time_zone) as starts, day_start(on_day + 1, time_zone) as ends
        from facilities
    ), cells as (
        select h.region, c.measure, c.component, c.blood_group, coalesce(c.urgency, c.reason) as detail,
               extract(hour from c.at at time zone h.time_zone)::smallint as hour,
               sum(c.amount) as value, sum(c.over) as over
        from here h
        -- the fence: facility by facility over the indexes, and never whole tables
        cross join lateral (
            select * from counted c where c.facility_id = h.id and c.at >= h.starts and c.at < h.ends offset 0
        ) c
        group by 1, 2, 3, 4, 5, 6
    )
    select case when grouping(region) = 1 then '' else region end, measure,
           (15 - grouping(hour, detail, blood_group, component))::smallint,
           case when grouping(component) = 1 then '*' else component end,
           case when grouping(blood_group) = 1 then '*' else blood_group end,
           case when grouping(detail) = 1 then '*' else detail end,
           hour, sum(value)::bigint, sum(over)::bigint
    from cells
    group by measure, rollup (region),
             grouping sets ((), (component), (blood_group), (component, blood_group), (detail), (hour),
                            (detail, component), (detail, blood_group), (hour, component), (hour, blood_group))
    having (grouping(component) = 1 or component is not null)
       and (grouping(blood_group) = 1 or blood_group is not null)
       and (grouping(detail) = 1 or detail is not null)
       -- a region's day is small enough to be counted when it is asked so closely
       and (grouping(region) = 1 or grouping(hour, detail, blood_group, component) not in (10, 9, 6, 5))
    union all
    select case when grouping(f.region) = 1 then '' else f.region end, k.measure, 0::smallint, '*', '*', '*', null,
           sum(k.value)::bigint, null
    from here f
    cross join lateral (
        select * from dashboard_daily_summary s where s.facility_id = f.id and s.date = on_day offset 0
    ) s
    cross join lateral (values ('summary.stock', s.total_stock), ('summary.transferred', s.total_transferred),
                               ('summary.requests', s.total_requests)) as k (measure, value)
    group by k.measure, rollup (f.region)
$$;

-- The sums of a week by facility out of its rows; a stock does not add up over days.
create function facility_weeks_of(monday date)
returns table (facility_id bigint, measure text, value bigint, over bigint)
language sql stable as $$
    with here as materialized (
        select id, day_start(monday, time_zone) as starts, day_start(monday + 7, time_zone) as ends from facilities
    )
    select h.id, c.measure, sum(c.amount)::bigint, sum(c.over)::bigint
    from here h
    cross join lateral (
        select * from counted c where c.facility_id = h.id and c.at >= h.starts and c.at < h.ends offset 0
    ) c
    group by 1, 2
    union all
    select h.id, k.measure, sum(k.value)::bigint, null
    from here h
    cross join lateral (
        select * from dashboard_daily_summary s
        where s.facility_id = h.id and s.date between monday and monday + 6 offset 0
    ) s
    cross join lateral (values ('summary.transferred', s.total_transferred), ('summary.requests', s.total_requests))
        as k (measure, value)
    group by 1, 2
$$;

-- Regions all of whose facilities are in the scope of this transaction.
create function scope_regions() returns setof text language sql stable as $$
    select region from facilities group by region having bool_and(id = any ((select scope_facilities())::bigint[]))
$$;

alter table area_sums enable row level security;
alter table area_sums force row level security;
create policy tenant on area_sums using ((select scope_is_all()) or area in (select scope_regions()));
alter table facility_weeks enable row level security;
alter table facility_weeks force row level security;
create policy tenant on facility_weeks using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));
alter table reopened_days enable row level security;
alter table reopened_days force row level security;
create policy tenant on reopened_days using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));
-- whoever may change a row may say that its day has changed
create policy told on reopened_days for insert with check (true);

-- What reopens a day. A day is reopened as often as it changes; closing it again forgets all of them.
create function reopen_days_of_requests() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into reopened_days (facility_id, day)
        select distinct n.facility_id, c.day
        from new_rows n
        join facilities f on f.id = n.facility_id
        cross join lateral (values (n.created_at), (n.closed_at)) as changed (at)
        join closed_days c on c.day = local_day(changed.at, f.time_zone);
    else
        insert into reopened_days (facility_id, day)
        select distinct n.facility_id, c.day
        from new_rows n
        join old_rows o using (facility_id, id)
        join facilities f on f.id = n.facility_id
        cross join lateral (
            select unnest(array[o.created_at, n.created_at]) as at
            where (o.created_at, o.component, o.blood_group, o.urgency)
                  is distinct from (n.created_at, n.component, n.blood_group, n.urgency)
            union all
            select unnest(array[o.closed_at, n.closed_at])
            where (o.closed_at, o.status, o.fulfilled, o.quantity, o.component, o.blood_group, o.urgency)
                  is distinct from (n.closed_at, n.status, n.fulfilled, n.quantity, n.component, n.blood_group, n.urgency)
        ) changed
        join closed_days c on c.day = local_day(changed.at, f.time_zone);
    end if;
    return null;
end $$;
create trigger reopen_days_inserted after insert on blood_requests
    referencing new table as new_rows for each statement execute function reopen_days_of_requests();
create trigger reopen_days_updated after update on blood_requests
    referencing old table as old_rows new table as new_rows for each statement execute function reopen_days_of_requests();

create function reopen_days_of_distributions() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into reopened_days (facility_id, day)
        select distinct f.id, c.day
        from new_rows n
        cross join lateral (values (n.facility_id, n.dispatched_at), (n.dispatched_to_id, n.date_delivered))
            as changed (facility_id, at)
        join facilities f on f.id = changed.facility_id
        join closed_days c on c.day = local_day(changed.at, f.time_zone);
    else
        insert into reopened_days (facility_id, day)
        select distinct f.id, c.day
        from new_rows n
        join old_rows o using (facility_id, id)
        cross join lateral (
            select n.facility_id, unnest(array[o.dispatched_at, n.dispatched_at]) as at
            where (o.dispatched_at, o.sent) is distinct from (n.dispatched_at, n.sent)
            union all
            select n.dispatched_to_id, unnest(array[o.date_delivered, n.date_delivered])
            where (o.date_delivered, o.sent, o.quantity, o.status)
                  is distinct from (n.date_delivered, n.sent, n.quantity, n.status)
        ) changed
        join facilities f on f.id = changed.facility_id
        join closed_days c on c.day = local_day(changed.at, f.time_zone);
    end if;
    return null;
end $$;
create trigger reopen_days_inserted after insert on blood_distributions
    referencing new table as new_rows for each statement execute function reopen_days_of_distributions();
create trigger reopen_days_updated after update on blood_distributions
    referencing old table as old_rows new table as new_rows for each statement execute function reopen_days_of_distributions();

create function reopen_days_of_movements() returns trigger language plpgsql as $$
begin
    insert into reopened_days (facility_id, day)
    select distinct n.facility_id, c.day
    from new_rows n
    join facilities f on f.id = n.facility_id
    join closed_days c on c.day = local_day(n.at, f.time_zone);
    return null;
end $$;
-- nothing updates a movement
create trigger reopen_days_inserted after insert on inventory_movements
    referencing new table as new_rows for each statement execute function reopen_days_of_movements();

create function reopen_days_of_summaries() returns trigger language plpgsql as $$
begin
    insert into reopened_days (facility_id, day)
    select distinct n.facility_id, n.date from new_rows n join closed_days c on c.day = n.date;
    return null;
end $$;
create trigger reopen_days_inserted after insert on dashboard_daily_summary
    referencing new table as new_rows for each statement execute function reopen_days_of_summaries();
create trigger reopen_days_updated after update on dashboard_daily_summary
    referencing new table as new_rows for each statement execute function reopen_days_of_summaries();

-- A facility that belongs to another region, or keeps its days by another zone, has another past.
create function reopen_days_of_facilities() returns trigger language plpgsql as $$
begin
    insert into reopened_days (facility_id, day) select new.id, day from closed_days;
    return null;
end $$;
create trigger reopen_days_updated after update of region, time_zone on facilities
    for each row when (old.region is distinct from new.region or old.time_zone is distinct from new.time_zone)
    execute function reopen_days_of_facilities();

-- What stands on each shelf, by status, expired or not. It moves with every row
-- of stock, in the same transaction.
create table shelf_stock (
    facility_id bigint not null references facilities,
    status text not null,
    component text not null,
    blood_group text not null,
    units bigint not null,
    primary key (facility_id, status, component, blood_group) include (units)
);
alter table shelf_stock enable row level security;
alter table shelf_stock force row level security;
create policy tenant on shelf_stock using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));

create function move_shelf_stock() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into shelf_stock (facility_id, status, component, blood_group, units)
        select facility_id, status, component, blood_group, sum(quantity)
        from new_rows where status in ('quarantined', 'available', 'reserved')
        group by 1, 2, 3, 4 order by 1, 2, 3, 4
        on conflict (facility_id, status, component, blood_group) do update set units = shelf_stock.units + excluded.units;
    elsif tg_op = 'DELETE' then
        update shelf_stock s set units = s.units - gone.units
        from (select facility_id, status, component, blood_group, sum(quantity) as units from old_rows group by 1, 2, 3, 4) gone
        where (s.facility_id, s.status, s.component, s.blood_group)
            = (gone.facility_id, gone.status, gone.component, gone.blood_group);
    else
        insert into shelf_stock (facility_id, status, component, blood_group, units)
        select facility_id, status, component, blood_group, sum(quantity)
        from (
            select facility_id, status, component, blood_group, quantity from new_rows
            union all
            select facility_id, status, component, blood_group, -quantity from old_rows
        ) moved
        where status in ('quarantined', 'available', 'reserved')
        group by 1, 2, 3, 4 having sum(quantity) <> 0 order by 1, 2, 3, 4
        on conflict (facility_id, status, component, blood_group) do update set units = shelf_stock.units + excluded.units;
    end if;
    return null;
end $$;
create trigger shelf_stock_inserted after insert on blood_inventory
    referencing new table as new_rows for each statement execute function move_shelf_stock();
create trigger shelf_stock_updated after update on blood_inventory
    referencing old table as old_rows new table as new_rows for each statement execute function move_shelf_stock();
create trigger shelf_stock_deleted after delete on blood_inventory
    referencing old table as old_rows for each statement execute function move_shelf_stock();
insert into shelf_stock
select facility_id, status, component, blood_group, sum(quantity)
from blood_inventory where status in ('quarantined', 'available', 'reserved') group by 1, 2, 3, 4;

-- Issuable units by shelf at this very moment, as several rows to be added up:
-- what is available less the little of it that has expired and was not yet taken off.
create view issuable_shelves with (security_invoker = true) as
    select facility_id, component, blood_group, units from shelf_stock where status = 'available'
    union all
    select facility_id, component, blood_group, -quantity from blood_inventory
    where status = 'available' and expires_at <= clock_now();
