-- The daily summary, and the one definition of its three numbers.
--
-- `daily_figures` computes them from source rows. The scheduler, the button,
-- every write and `pulseboard verify` all call it; nothing else may.
--   total_stock        issuable units now: available, not expired, not reserved.
--                      A level: null for any other day than today.
--   total_transferred  units delivered TO the facility on its local day
--   total_requests     requests raised BY the facility on its local day

create table dashboard_daily_summary (
    facility_id bigint not null references facilities,
    date date not null,
    total_stock bigint not null,
    total_transferred bigint not null,
    total_requests bigint not null,
    updated_at timestamptz not null,
    primary key (facility_id, date)
);

create function daily_figures(facility_ids bigint[], on_day date default null)
returns table (facility_id bigint, date date, total_stock bigint, total_transferred bigint, total_requests bigint)
language sql stable as $$
    select f.id,
           day.date,
           case when day.date = local_day(clock_now(), f.time_zone) then (
               select coalesce(sum(i.quantity), 0)
               from blood_inventory i
               where i.facility_id = f.id and i.status = 'available' and i.expires_at > clock_now()
           ) end,
           (select coalesce(sum(d.quantity), 0)
            from blood_distributions d
            where d.dispatched_to_id = f.id
              and d.date_delivered >= day.starts and d.date_delivered < day.ends),
           (select count(*)
            from blood_requests r
            where r.facility_id = f.id and r.created_at >= day.starts and r.created_at < day.ends)
    from facilities f
    cross join lateral (
        select d.date, day_start(d.date, f.time_zone) as starts, day_start(d.date + 1, f.time_zone) as ends
        from (select case when on_day is null then local_day(clock_now(), f.time_zone) else on_day end as date) d
        -- the fence: bounds computed once for a facility and not for each condition that uses them
        offset 0
    ) day
    where f.id = any (facility_ids)
$$;

alter table dashboard_daily_summary enable row level security;
alter table dashboard_daily_summary force row level security;
create policy tenant on dashboard_daily_summary using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));
