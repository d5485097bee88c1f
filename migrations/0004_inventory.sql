-- Stock. A row is one unit with its donation number (quantity 1) or a lot of
-- n alike units. Its status says where it is in its life; every change of it
-- is a movement row, and stock equals the sum of movements:
-- for each row, sum(+quantity into a status, -quantity out of it) is the row's
-- quantity for its present status and 0 for every other.
--
-- A unit that moves to another facility ends here as `transferred` and starts
-- there as a row of theirs, so a row never changes its facility and each
-- facility keeps its own history.

create table blood_inventory (
    facility_id bigint not null references facilities,
    id bigint generated always as identity unique,
    blood_bank_id bigint not null,
    component text not null references component_lives (component),
    blood_group text not null constraint blood_inventory_group_check
        check (blood_group in ('O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+')),
    quantity integer not null constraint blood_inventory_quantity_check check (quantity >= 0),
    donation_number text,
    lot text,
    collected_at timestamptz not null,
    expires_at timestamptz not null,
    status text not null constraint blood_inventory_status_check check (status in
        ('quarantined', 'available', 'reserved', 'in_transit', 'transferred', 'issued', 'transfused', 'expired', 'discarded')),
    -- a positive test: never available again, only discarded
    unsafe boolean not null default false,
    -- set while status is `reserved`
    reserved_for bigint,
    reserved_until timestamptz,
    received_at timestamptz not null default clock_now(),
    primary key (facility_id, id),
    foreign key (facility_id, blood_bank_id) references blood_banks (facility_id, id),
    constraint blood_inventory_identity_check check (
        (donation_number is not null and lot is null and quantity <= 1) or (donation_number is null and lot is not null)),
    constraint blood_inventory_expiry_check check (expires_at > collected_at),
    constraint blood_inventory_unsafe_check check (not unsafe or status in ('quarantined', 'discarded', 'expired')),
    constraint blood_inventory_reserved_check check ((status = 'reserved') = (reserved_until is not null))
);

-- One donation gives several components; each of them is in one place.
create unique index blood_inventory_donation_number_key on blood_inventory (donation_number, component)
    where donation_number is not null and status <> 'transferred';
create index blood_inventory_bank on blood_inventory (blood_bank_id, quantity) where quantity > 0;
create index blood_inventory_issuable on blood_inventory (facility_id, component, blood_group, expires_at) include (quantity)
    where status = 'available';
create index blood_inventory_stock on blood_inventory (facility_id, expires_at) include (quantity)
    where status = 'available';
create index blood_inventory_by_group on blood_inventory (component, blood_group, expires_at) include (facility_id, quantity)
    where status = 'available';
create index blood_inventory_expiry on blood_inventory (expires_at)
    where status in ('quarantined', 'available', 'reserved');
create index blood_inventory_reservations on blood_inventory (reserved_until) where status = 'reserved';
create index blood_inventory_reserved_for on blood_inventory (reserved_for) where status = 'reserved';
create index blood_inventory_listing on blood_inventory (facility_id, status, expires_at, id);

create table inventory_movements (
    facility_id bigint not null,
    id bigint generated always as identity,
    inventory_id bigint not null,
    at timestamptz not null default clock_now(),
    actor_id bigint references users,
    actor_name text not null,
    kind text not null,
    from_status text,
    to_status text,
    quantity integer not null constraint inventory_movements_quantity_check check (quantity > 0),
    component text not null,
    blood_group text not null,
    reason text,
    temperature_celsius real,
    request_id bigint,
    distribution_id bigint,
    primary key (facility_id, id),
    foreign key (facility_id, inventory_id) references blood_inventory (facility_id, id),
    constraint inventory_movements_change_check check (from_status is distinct from to_status)
);
create index inventory_movements_unit on inventory_movements (facility_id, inventory_id, id);
create index inventory_movements_day on inventory_movements (facility_id, at) include (kind, quantity, component, blood_group, from_status, to_status, reason);
revoke update, delete, truncate on inventory_movements from pulseboard_app;

do $$
declare tenant text;
begin
    foreach tenant in array array['blood_inventory', 'inventory_movements'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
