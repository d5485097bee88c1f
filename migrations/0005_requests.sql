-- Requests: one row is one need of a facility; it is put to one or several
-- facilities (`request_recipients`), and the first that accepts closes the
-- others. Both sides may read it; each step is a row of the timeline.

create table blood_requests (
    facility_id bigint not null references facilities,
    id bigint generated always as identity unique,
    component text not null references component_lives (component),
    blood_group text not null constraint blood_requests_group_check
        check (blood_group in ('O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+')),
    quantity integer not null constraint blood_requests_quantity_check check (quantity between 1 and 1000),
    urgency text not null constraint blood_requests_urgency_check check (urgency in ('routine', 'urgent', 'emergency')),
    status text not null default 'open' constraint blood_requests_status_check check (status in
        ('open', 'accepted', 'rejected', 'cancelled', 'partly_fulfilled', 'fulfilled')),
    needed_by timestamptz,
    reason text not null default '' constraint blood_requests_reason_check check (length(reason) <= 500),
    -- units delivered for it so far
    fulfilled integer not null default 0 constraint blood_requests_fulfilled_check check (fulfilled >= 0),
    created_at timestamptz not null default clock_now(),
    closed_at timestamptz,
    created_by bigint references users,
    primary key (facility_id, id)
);
create index blood_requests_day on blood_requests (facility_id, created_at);
create index blood_requests_closed on blood_requests (facility_id, closed_at) where closed_at is not null;
create index blood_requests_open on blood_requests (facility_id, status, created_at);

create table request_recipients (
    facility_id bigint not null,
    request_id bigint not null,
    to_facility_id bigint not null references facilities,
    status text not null default 'open' constraint request_recipients_status_check check (status in
        ('open', 'accepted', 'rejected', 'closed')),
    -- what the recipient agreed to send; less than asked is a partial acceptance
    accepted_quantity integer constraint request_recipients_accepted_check check (accepted_quantity > 0),
    reason text,
    decided_at timestamptz,
    decided_by bigint references users,
    primary key (facility_id, request_id, to_facility_id),
    foreign key (facility_id, request_id) references blood_requests (facility_id, id),
    constraint request_recipients_self_check check (facility_id <> to_facility_id)
);
create unique index request_recipients_accepted_once on request_recipients (facility_id, request_id) where status = 'accepted';
create index request_recipients_inbox on request_recipients (to_facility_id, status, request_id);

create table request_events (
    facility_id bigint not null,
    id bigint generated always as identity,
    request_id bigint not null,
    at timestamptz not null default clock_now(),
    by_facility_id bigint not null references facilities,
    actor_id bigint references users,
    actor_name text not null,
    step text not null,
    reason text,
    primary key (facility_id, id),
    foreign key (facility_id, request_id) references blood_requests (facility_id, id)
);
create index request_events_request on request_events (facility_id, request_id, id);

alter table request_recipients enable row level security;
alter table request_recipients force row level security;
create policy tenant on request_recipients using (
    (select scope_is_all())
    or facility_id = any ((select scope_facilities())::bigint[])
    or to_facility_id = any ((select scope_facilities())::bigint[]));

do $$
declare
    shared text;
    request_column text;
begin
    foreach shared in array array['blood_requests', 'request_events'] loop
        request_column := case shared when 'blood_requests' then 'id' else 'request_id' end;
        execute format('alter table %I enable row level security', shared);
        execute format('alter table %I force row level security', shared);
        execute format($policy$
            create policy tenant on %1$I using (
                (select scope_is_all())
                or facility_id = any ((select scope_facilities())::bigint[])
                or exists (select from request_recipients r
                           where r.facility_id = %1$I.facility_id and r.request_id = %1$I.%2$I
                             and r.to_facility_id = any ((select scope_facilities())::bigint[])))$policy$,
            shared, request_column);
    end loop;
end $$;
