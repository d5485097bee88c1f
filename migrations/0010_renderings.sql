-- Boards as they were last rendered. A board is made of thirteen questions, three
-- charts and a compression, five milliseconds in all; what came of it is kept
-- here, compressed, so that an instance that has just started, or a second one,
-- sends it after one look by key instead of composing it again.
--
-- It is a copy, so a row counts only while it is provably what would be rendered
-- now, and the statement that reads it (`boards::renderings`) is the proof: the
-- facility's day is not over; its summary, which every write to the facility moves
-- in its own transaction, is still the one that the rendering shows; the address
-- still shows the same version of the same board; no table that all facilities
-- share changed; and the same program rendered it.
--
-- One row for each facility, so the table is as large as the directory. Unlogged:
-- after a crash it is empty, and the boards are composed once more.

create unlogged table board_renderings (
    facility_id bigint primary key references facilities,
    -- null: the built-in board
    board_id bigint references boards on delete cascade,
    board_version integer,
    -- day and `updated_at` of the summary that it shows
    date date not null,
    as_of timestamptz not null,
    -- the day's end, so that a look need not know the zone
    day_ends timestamptz not null,
    -- of `installation`, before anything was read
    reference_version bigint not null,
    -- digest of the program's sources: another one may draw the same figures otherwise
    program text not null,
    rendered_at timestamptz not null default clock_now(),
    -- of the plain bytes
    length integer not null,
    check_sum bigint not null,
    -- a run of deflate blocks (`web::Part`)
    body bytea not null,
    constraint board_renderings_board_check check ((board_id is null) = (board_version is null))
);
-- it is compressed already
alter table board_renderings alter column body set storage external;
create index board_renderings_board on board_renderings (board_id) where board_id is not null;

alter table board_renderings enable row level security;
alter table board_renderings force row level security;
create policy tenant on board_renderings using (
    (select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]));

-- Grows with every change of a table that all facilities share.
alter table installation add column reference_version bigint not null default 0;
