-- A thousand facilities in ten regions and 365 days: what their daily work leaves, invented by arithmetic.
set session_replication_role = replica;
insert into facilities (name, kind, region, latitude, longitude, time_zone)
select 'Facility ' || n, (array['hospital', 'clinic', 'hospital', 'blood_center'])[1 + n % 4], 'Region ' || n % 10,
       40 + n % 250 / 20.0, -5 + n % 333 / 12.0, 'Europe/Berlin'
from generate_series(1, 1000) n;
insert into blood_banks (facility_id, name) select id, 'Bank' from facilities order by id;
insert into stock_thresholds
select f.id, c, g, 2, 4, 8
from facilities f, unnest(array['red_cells', 'platelets', 'plasma', 'whole_blood']) c,
     unnest(array['O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+']) g;
-- two hundred rows of stock in each, of which a good part is on its shelves
insert into blood_inventory (facility_id, blood_bank_id, component, blood_group, quantity, lot, collected_at, expires_at,
                             status, reserved_until, received_at)
select 1 + n % 1000, 1 + n % 1000, (array['red_cells', 'platelets', 'plasma', 'whole_blood'])[1 + n / 1000 % 4],
       (array['O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+'])[1 + n / 4000 % 8], 1 + n % 3, 'L' || n,
       now() - interval '40 days', now() + (1 + n % 700) * interval '1 hour',
       (array['available', 'available', 'available', 'quarantined', 'reserved'])[1 + n / 1000 % 5],
       case when n / 1000 % 5 = 4 then now() + interval '1 day' end, now() - interval '3 days'
from generate_series(0, 199999) n;
-- eight movements a day
insert into inventory_movements (facility_id, inventory_id, at, actor_name, kind, from_status, to_status, quantity,
                                 component, blood_group, reason)
select 1 + n % 1000, 1 + n % 1000, now() - (n / 1000 % 2920) * interval '3 hours' - n % 997 * interval '1 second', 'x',
       k.kind, k.was, k.becomes, 1 + n % 3,
       (array['red_cells', 'platelets', 'plasma', 'whole_blood'])[1 + (n / 1000 + n) % 4],
       (array['O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+'])[1 + (n / 4000 + n) % 8], k.reason
from generate_series(0, 2919999) n
cross join lateral (
    select * from (values (0, 'received', null, 'available', null), (1, 'issued', 'available', 'issued', null),
                          (2, 'received', null, 'available', null), (3, 'issued', 'available', 'issued', null),
                          (4, 'received', null, 'available', null), (5, 'issued', 'available', 'issued', null),
                          (6, 'discarded', 'available', 'discarded', 'damaged'), (7, 'expired', 'available', 'expired', null))
        as v (place, kind, was, becomes, reason)
    where v.place = (n / 1000 + n) % 8
) k;
-- two requests a day
insert into blood_requests (facility_id, component, blood_group, quantity, urgency, status, fulfilled, created_at, closed_at)
select 1 + n % 1000, (array['red_cells', 'platelets', 'plasma', 'whole_blood'])[1 + (n / 1000 + n) % 4],
       (array['O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+'])[1 + (n / 4000 + n) % 8], 1 + n % 6,
       (array['routine', 'routine', 'urgent', 'emergency'])[1 + n / 1000 % 4],
       case when n < 3000 then 'open' when n / 1000 % 9 = 8 then 'rejected' else 'fulfilled' end,
       case when n < 3000 or n / 1000 % 9 = 8 then 0 else 1 + n % 6 end,
       now() - (n / 1000) * interval '12 hours' - n % 997 * interval '1 second',
       case when n >= 3000 then now() - (n / 1000) * interval '12 hours' + interval '5 hours' end
from generate_series(0, 729999) n;
insert into request_recipients (facility_id, request_id, to_facility_id, status, accepted_quantity)
select facility_id, id, 1 + facility_id % 1000, case status when 'open' then 'open' else 'accepted' end,
       case status when 'open' then null else quantity end
from blood_requests;
-- and two deliveries
insert into blood_distributions (facility_id, blood_bank_id, dispatched_to_id, sent, quantity, status, dispatched_at,
                                 date_delivered)
select 1 + n % 1000, 1 + n % 1000, 1 + (n + 7) % 1000, 4, case when n < 2000 then 4 when n / 1000 % 20 = 0 then 3 else 4 end,
       case when n < 2000 then 'in_transit' when n / 1000 % 20 = 0 then 'delivered_short' else 'delivered' end,
       now() - (n / 1000) * interval '12 hours' - n % 997 * interval '1 second',
       case when n >= 2000 then now() - (n / 1000) * interval '12 hours' + interval '3 hours' end
from generate_series(0, 729999) n;
insert into dashboard_daily_summary
select f.id, (now() at time zone 'Europe/Berlin')::date - n, 180 + (f.id + n) % 40, 8, 2, now() - n * interval '1 day'
from facilities f, generate_series(1, 365) n;
insert into shelf_stock
select facility_id, status, component, blood_group, sum(quantity)
from blood_inventory where status in ('quarantined', 'available', 'reserved') group by 1, 2, 3, 4;
set session_replication_role = origin;
