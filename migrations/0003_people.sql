-- People, what they may do where, and their sessions. A network administrator
-- may do everything everywhere; everyone else has one role per facility.

create table users (
    id bigint generated always as identity primary key,
    email text not null constraint users_email_check check (email = lower(email) and position('@' in email) > 1 and length(email) <= 254),
    name text not null constraint users_name_check check (length(name) between 1 and 120),
    password_hash text,
    network_admin boolean not null default false,
    disabled_at timestamptz,
    -- grows with every change of password or rights: older sessions are then void
    auth_epoch bigint not null default 0,
    -- how the pages are for this person; a null zone means the facility's own
    theme text not null default 'system' constraint users_theme_check check (theme in ('system', 'light', 'dark')),
    time_zone text,
    -- null: what the browser asks for
    language text constraint users_language_check check (language in ('en', 'fr', 'es', 'ar')),
    number_format text not null default 'usual' constraint users_number_format_check check (number_format in ('usual', 'comma_point', 'space_comma', 'point_comma', 'space_point')),
    date_format text not null default 'words' constraint users_date_format_check check (date_format in ('words', 'iso', 'slashes', 'us')),
    start_facility_id bigint references facilities on delete set null,
    start_at_network boolean not null default false,
    refresh text not null default 'live' constraint users_refresh_check check (refresh in ('live', 'minute', 'paused')),
    -- a mail when somebody else changes what this person may do
    mail_access boolean not null default true,
    created_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz,
    constraint users_email_key unique (email)
);

create table memberships (
    user_id bigint not null references users on delete cascade,
    facility_id bigint not null references facilities,
    role text not null constraint memberships_role_check check (role in ('viewer', 'staff', 'facility_admin')),
    primary key (user_id, facility_id)
);
create index memberships_facility on memberships (facility_id);
create index users_by_name on users (lower(name), id);

-- Somebody is asked to join. Nobody has an account before they accept, and the
-- invitation looks the same whether or not the address has one already: whoever
-- invites must not learn it. Only the SHA-256 of the link's token is kept.
create table invitations (
    id bigint generated always as identity primary key,
    email text not null constraint invitations_email_check check (email = lower(email) and length(email) <= 254),
    -- as whoever invited typed it
    name text not null constraint invitations_name_check check (length(name) between 1 and 120),
    network_admin boolean not null default false,
    invited_by bigint not null references users,
    token_hash bytea not null constraint invitations_token_key unique,
    created_at timestamptz not null default clock_now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    withdrawn_at timestamptz
);
create index invitations_open on invitations (email) where accepted_at is null and withdrawn_at is null;

-- The roles that an invitation offers: rows of their facilities.
create table invitation_offers (
    facility_id bigint not null references facilities,
    invitation_id bigint not null references invitations on delete cascade,
    role text not null constraint invitation_offers_role_check check (role in ('viewer', 'staff', 'facility_admin')),
    primary key (facility_id, invitation_id)
);
create index invitation_offers_invitation on invitation_offers (invitation_id);
alter table invitation_offers enable row level security;
alter table invitation_offers force row level security;
create policy tenant on invitation_offers using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));

-- How many roles an invitation offers altogether, also outside the scope: whoever
-- sees only some of them must not be able to send it on.
create function invitation_offer_count(invitation bigint) returns bigint
language plpgsql stable security definer set search_path = public set app.scope = 'all' as $$
begin
    return (select count(*) from invitation_offers where invitation_id = invitation);
end $$;

-- Links with which a forgotten password is replaced: once, for half an hour.
create table password_resets (
    id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    token_hash bytea not null constraint password_resets_token_key unique,
    created_at timestamptz not null default clock_now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index password_resets_user on password_resets (user_id) where used_at is null;

-- Only the SHA-256 of a session's id is kept, so a stolen dump opens nothing.
-- A revoked row stays revoked: saving a session is an update, never an insert.
create table sessions (
    id_hash bytea primary key,
    user_id bigint references users on delete cascade,
    data jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    address text,
    user_agent text
);
create index sessions_user on sessions (user_id) where revoked_at is null;
create index sessions_expiry on sessions (expires_at);

-- Failed log-ins and other tries that are rationed, counted here so that every
-- instance sees the same count. `subject` is `email:<sha256>`, `address:<ip>`,
-- or the same behind the name of what is rationed (`reset:email:<sha256>`).
create table login_failures (
    subject text not null,
    at timestamptz not null default clock_timestamp()
);
create index login_failures_subject on login_failures (subject, at);

-- A second factor: the secret of an authenticator app (TOTP), sealed with a key
-- that follows from the installation's secret. It counts once a code confirmed
-- it. `last_step` is the step of the newest code taken, so no code works twice.
create table second_factors (
    user_id bigint primary key references users on delete cascade,
    secret bytea not null,
    confirmed_at timestamptz,
    last_step bigint,
    created_at timestamptz not null default clock_timestamp()
);

-- Ways in for somebody without their phone, each good once. Keyed hashes.
create table recovery_codes (
    user_id bigint not null references second_factors on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);

-- Who a person is elsewhere: the provider (issuer) and its name for them
-- (subject). Never the e-mail address, which a provider lets people choose.
create table identities (
    issuer text not null,
    subject text not null constraint identities_subject_check check (length(subject) between 1 and 255),
    user_id bigint not null references users on delete cascade,
    created_at timestamptz not null default clock_timestamp(),
    last_used_at timestamptz,
    primary key (issuer, subject),
    constraint identities_user_key unique (user_id, issuer)
);

-- Who did what to which thing, from where, and what it was before and after.
-- Rows are only ever added: the program's role may not change or remove them.
-- `other_facility_id` is the counterpart of a transfer or a request, who may
-- read the row too, so `detail` holds only what both may know; `before` and
-- `after` are for administrators of `facility_id`.
--
-- Rows form one chain per facility, and one (number 0) for what concerns the
-- whole installation. `seq` counts within the chain without gaps, `hash` is the
-- SHA-256 of the hash before it and the row itself. Both are set by a trigger
-- under the lock of the chain's head, whatever the writer says.
create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    facility_id bigint references facilities,
    other_facility_id bigint references facilities,
    actor_id bigint references users,
    actor_name text not null,
    -- `via_id` is the name of the session or the prefix of the key
    via text not null default 'program' constraint audit_log_via_check check (via in ('program', 'command_line', 'session', 'key')),
    via_id text,
    address text,
    action text not null,
    thing text not null,
    thing_id bigint,
    detail jsonb not null default '{}',
    before jsonb,
    after jsonb,
    chain bigint not null,
    seq bigint not null,
    hash bytea not null,
    constraint audit_log_chain_key unique (chain, seq)
);
create index audit_log_facility on audit_log (facility_id, id desc);
create index audit_log_thing on audit_log (thing, thing_id, id desc);
create index audit_log_other_facility on audit_log (other_facility_id, id desc) where other_facility_id is not null;
create index audit_log_actor on audit_log (actor_id, id desc) where actor_id is not null;
revoke update, delete, truncate on audit_log from pulseboard_app;

alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy tenant on audit_log for select using (
    (select scope_is_all())
    or facility_id = any ((select scope_facilities())::bigint[])
    or other_facility_id = any ((select scope_facilities())::bigint[]));
create policy writer on audit_log for insert with check (true);

-- The end of each chain, kept apart so that rows missing there are found.
create table audit_heads (
    chain bigint primary key,
    seq bigint not null,
    hash bytea not null
) with (fillfactor = 50);
revoke insert, update, delete, truncate on audit_heads from pulseboard_app;

-- A row as the text that is hashed: an array of all its columns, times as
-- microseconds, so that no setting of a session changes it.
create function audit_canonical(entry audit_log) returns text language sql stable as $$
    select jsonb_build_array(
        entry.chain, entry.seq, entry.id, (extract(epoch from entry.at) * 1000000)::bigint, entry.facility_id, entry.other_facility_id,
        entry.actor_id, entry.actor_name, entry.via, entry.via_id, entry.address, entry.action, entry.thing, entry.thing_id,
        entry.detail, entry.before, entry.after)::text
$$;

create function audit_hash(previous bytea, entry audit_log) returns bytea language sql stable as $$
    select sha256(previous || convert_to(audit_canonical(entry), 'UTF8'))
$$;

-- As the owner of the tables: the program may add rows and nothing more.
create function audit_append() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    head audit_heads;
begin
    new.chain := case when new.facility_id is null then 0 else new.facility_id end;
    select * into head from audit_heads where chain = new.chain for update;
    if not found then
        insert into audit_heads values (new.chain, 0, '') on conflict do nothing;
        select * into head from audit_heads where chain = new.chain for update;
    end if;
    new.seq := head.seq + 1;
    new.hash := audit_hash(head.hash, new);
    update audit_heads set seq = new.seq, hash = new.hash where chain = new.chain;
    return new;
end $$;
create trigger audit_append before insert on audit_log for each row execute function audit_append();

-- Programs that ask for figures: `pb_<prefix>_<secret>`. The prefix finds the
-- row; of the secret only the SHA-256 is kept. `facility_ids` null is every
-- facility, later ones too.
create table api_keys (
    id bigint generated always as identity primary key,
    name text not null constraint api_keys_name_check check (length(name) between 1 and 120),
    prefix text not null constraint api_keys_prefix_key unique constraint api_keys_prefix_check check (prefix ~ '^[a-z0-9]{8}$'),
    secret_hash bytea not null constraint api_keys_secret_hash_check check (length(secret_hash) = 32),
    scopes text[] not null constraint api_keys_scopes_check check (scopes <@ array['read', 'events:write', 'metrics:write', 'metrics:read'] and cardinality(scopes) > 0),
    facility_ids bigint[] constraint api_keys_facility_ids_check check (cardinality(facility_ids) > 0),
    created_by bigint references users,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    -- written at most once a minute
    last_used_at timestamptz,
    last_used_address text
);
