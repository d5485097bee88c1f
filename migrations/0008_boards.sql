-- Boards: what people put on their screens. A board belongs to a person, a
-- facility, a region or the network; its content is one document, of which
-- every saved version is kept.
--
-- These tables are not tenant tables: a region's board belongs to many
-- facilities, a person's to none, and a shared one to whoever it is shared
-- with. So row level security does not decide here. `boards::may` does, one
-- pure function; `src/boards/queries.rs` is the only place that reads these
-- tables, and it hands out nothing without asking that function. What a board
-- shows is read from tenant tables, under the scope of its viewer.

create table boards (
    id bigint generated always as identity primary key,
    owner text not null,
    owner_person_id bigint references users on delete cascade,
    owner_facility_id bigint references facilities,
    owner_region text,
    name text not null constraint boards_name_check check (length(name) between 1 and 80),
    description text not null default '' constraint boards_description_check check (length(description) <= 400),
    -- the current row of board_versions
    version integer not null default 1 constraint boards_version_check check (version >= 1),
    -- a draft is seen only by those who may edit it
    published boolean not null default false,
    position integer not null default 0,
    -- every facility of this kind starts with this board
    template_for text constraint boards_template_for_check check (template_for in ('blood_center', 'hospital', 'clinic')),
    -- the name of the file that keeps this board, where one does
    slug text constraint boards_slug_key unique constraint boards_slug_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,79}$'),
    -- SHA-256 of that file as it was last read
    file_hash bytea,
    created_at timestamptz not null default clock_timestamp(),
    created_by bigint references users on delete set null,
    updated_at timestamptz not null default clock_timestamp(),
    updated_by bigint references users on delete set null,
    constraint boards_owner_check check (
        owner = 'person' and owner_person_id is not null and num_nonnulls(owner_facility_id, owner_region) = 0
        or owner = 'facility' and owner_facility_id is not null and num_nonnulls(owner_person_id, owner_region) = 0
        or owner = 'region' and owner_region is not null and num_nonnulls(owner_person_id, owner_facility_id) = 0
        or owner = 'network' and num_nonnulls(owner_person_id, owner_facility_id, owner_region) = 0),
    constraint boards_template_owner_check check (template_for is null or owner = 'network')
);
create index boards_owner_person on boards (owner_person_id) where owner_person_id is not null;
create index boards_owner_facility on boards (owner_facility_id) where owner_facility_id is not null;
create index boards_owner_rest on boards (owner) where owner in ('region', 'network');
create unique index boards_template_for_key on boards (template_for) where template_for is not null;

-- Versions are only ever added; restoring an old one adds it again on top.
create table board_versions (
    board_id bigint not null references boards on delete cascade,
    version integer not null,
    at timestamptz not null default clock_timestamp(),
    by_id bigint references users on delete set null,
    by_name text not null,
    note text not null default '' constraint board_versions_note_check check (length(note) <= 200),
    name text not null,
    description text not null,
    -- `boards::Definition`: time range, refresh, widgets with their places
    definition jsonb not null constraint board_versions_definition_check
        check (jsonb_typeof(definition) = 'object' and pg_column_size(definition) <= 262144),
    primary key (board_id, version)
);

create table board_shares (
    id bigint generated always as identity primary key,
    board_id bigint not null references boards on delete cascade,
    person_id bigint references users on delete cascade,
    -- everybody who has at least this role somewhere
    role text constraint board_shares_role_check check (role in ('viewer', 'staff', 'facility_admin')),
    -- every member
    facility_id bigint references facilities,
    level text not null constraint board_shares_level_check check (level in ('view', 'edit')),
    created_at timestamptz not null default clock_timestamp(),
    created_by bigint references users on delete set null,
    constraint board_shares_with_check check (num_nonnulls(person_id, role, facility_id) = 1)
);
create unique index board_shares_key on board_shares
    (board_id, coalesce(person_id, 0), coalesce(role, ''), coalesce(facility_id, 0));
create index board_shares_person on board_shares (person_id) where person_id is not null;
create index board_shares_facility on board_shares (facility_id) where facility_id is not null;

-- Where a person starts, and which board a facility's address shows.
create table board_defaults (
    person_id bigint unique references users on delete cascade,
    facility_id bigint unique references facilities,
    board_id bigint not null references boards on delete cascade,
    constraint board_defaults_of_check check (num_nonnulls(person_id, facility_id) = 1)
);
create index board_defaults_board on board_defaults (board_id);

-- What somebody is just changing and has not saved: one per person and board.
-- `steps` holds the documents since editing began, the oldest first, so that
-- the last can be taken back.
create table board_drafts (
    board_id bigint not null references boards on delete cascade,
    person_id bigint not null references users on delete cascade,
    -- the version it began from, which guards the saving
    base_version integer not null,
    steps jsonb not null constraint board_drafts_steps_check check (jsonb_typeof(steps) = 'array' and pg_column_size(steps) <= 4194304),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (board_id, person_id)
);

-- Links: with one of them a board is seen without logging in, sums only. A public
-- one ends within 30 days; a wall's screen keeps its own until somebody ends it.
-- Of the token only the SHA-256 is kept. `facility_ids` are those whose figures
-- it may show; what its maker may not see any more, it does not show either.
create table board_links (
    id bigint generated always as identity primary key,
    kind text not null constraint board_links_kind_check check (kind in ('public', 'wall')),
    board_id bigint references boards on delete cascade,
    -- whatever board the address of this facility shows
    home_facility_id bigint references facilities,
    name text not null constraint board_links_name_check check (length(name) between 1 and 80),
    token_hash bytea not null constraint board_links_token_key unique constraint board_links_token_check check (length(token_hash) = 32),
    facility_ids bigint[] not null constraint board_links_facilities_check check (cardinality(facility_ids) > 0),
    created_by bigint not null references users on delete cascade,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    -- written at most once a minute
    last_used_at timestamptz,
    last_used_address text,
    constraint board_links_of_check check (num_nonnulls(board_id, home_facility_id) = 1),
    constraint board_links_expiry_check check (
        kind = 'wall' and expires_at is null
        or kind = 'public' and board_id is not null and expires_at <= created_at + interval '30 days' and expires_at is not null)
);
create index board_links_board on board_links (board_id) where board_id is not null;
create index board_links_created_by on board_links (created_by);
