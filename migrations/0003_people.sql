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

-- Who did what to which thing. Rows are only ever added: the program's role may
-- not change or remove them. `other_facility_id` is the counterpart of a
-- transfer or a request, who may read the row too, so `detail` holds only what
-- both may know.
create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    facility_id bigint references facilities,
    other_facility_id bigint references facilities,
    actor_id bigint references users,
    actor_name text not null,
    action text not null,
    thing text not null,
    thing_id bigint,
    detail jsonb not null default '{}'
);
create index audit_log_facility on audit_log (facility_id, id desc);
create index audit_log_actor on audit_log (actor_id, id desc);
create index audit_log_thing on audit_log (thing, thing_id, id desc);
create index audit_log_other_facility on audit_log (other_facility_id, id desc) where other_facility_id is not null;
revoke update, delete, truncate on audit_log from pulseboard_app;

alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy tenant on audit_log for select using (
    (select scope_is_all())
    or facility_id = any ((select scope_facilities())::bigint[])
    or other_facility_id = any ((select scope_facilities())::bigint[]));
create policy writer on audit_log for insert with check (true);
