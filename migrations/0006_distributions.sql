-- Distributions: units on their way from a blood bank of one facility
-- (`facility_id`) to another (`dispatched_to_id`). `quantity` is what the
-- delivery is worth to the receiver: the units sent while it is under way, the
-- units that really arrived once it is delivered.

create table blood_distributions (
    facility_id bigint not null,
    id bigint generated always as identity unique,
    blood_bank_id bigint not null,
    dispatched_to_id bigint not null references facilities,
    -- a request of the receiver
    request_id bigint,
    -- set on a return: the distribution whose units come back
    return_of bigint,
    sent integer not null constraint blood_distributions_sent_check check (sent > 0),
    quantity integer not null constraint blood_distributions_quantity_check check (quantity >= 0 and quantity <= sent),
    status text not null default 'in_transit' constraint blood_distributions_status_check check (status in
        ('in_transit', 'delivered', 'delivered_short')),
    note text not null default '' constraint blood_distributions_note_check check (length(note) <= 500),
    temperature_celsius real,
    dispatched_at timestamptz not null default clock_now(),
    date_delivered timestamptz,
    dispatched_by bigint references users,
    received_by bigint references users,
    primary key (facility_id, id),
    foreign key (facility_id, blood_bank_id) references blood_banks (facility_id, id),
    -- a history that is written in one go may have the request after its delivery
    foreign key (dispatched_to_id, request_id) references blood_requests (facility_id, id) deferrable initially deferred,
    foreign key (dispatched_to_id, return_of) references blood_distributions (facility_id, id),
    constraint blood_distributions_self_check check (facility_id <> dispatched_to_id),
    constraint blood_distributions_delivered_check check ((status = 'in_transit') = (date_delivered is null))
);
create index blood_distributions_arrivals on blood_distributions (dispatched_to_id, date_delivered) include (quantity);
create index blood_distributions_departures on blood_distributions (facility_id, dispatched_at) include (sent);
create index blood_distributions_under_way on blood_distributions (dispatched_to_id, dispatched_at) where status = 'in_transit';
create index blood_distributions_request on blood_distributions (request_id) where request_id is not null;

-- The units it carries: rows of the sender, and once received the row that
-- each became at the receiver.
create table distribution_units (
    facility_id bigint not null,
    distribution_id bigint not null,
    inventory_id bigint not null,
    dispatched_to_id bigint not null references facilities,
    -- what the receiver must know of a unit before it is theirs travels with it
    component text not null,
    blood_group text not null,
    quantity integer not null constraint distribution_units_quantity_check check (quantity > 0),
    donation_number text,
    lot text,
    collected_at timestamptz not null,
    expires_at timestamptz not null,
    outcome text constraint distribution_units_outcome_check check (outcome in ('received', 'damaged', 'missing')),
    received_id bigint,
    primary key (facility_id, distribution_id, inventory_id),
    foreign key (facility_id, distribution_id) references blood_distributions (facility_id, id),
    foreign key (facility_id, inventory_id) references blood_inventory (facility_id, id),
    foreign key (dispatched_to_id, received_id) references blood_inventory (facility_id, id)
);
do $$
declare shared text;
begin
    foreach shared in array array['blood_distributions', 'distribution_units'] loop
        execute format('alter table %I enable row level security', shared);
        execute format('alter table %I force row level security', shared);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]) or dispatched_to_id = any ((select scope_facilities())::bigint[]))', shared);
    end loop;
end $$;
