-- Brokers that events come from. RabbitMQ keeps its own place; what is kept here
-- is how often a message was tried, because a queue without a limit would bring
-- one that always fails for ever. Of Kafka the place is kept here, and moves in
-- the transaction that stores what was read: that is what makes it exact.
-- None of it is data of a facility.

create table broker_tries (
    -- of the settings
    broker text not null,
    -- SHA-256 of the message
    hash bytea not null,
    tries integer not null,
    at timestamptz not null default clock_timestamp(),
    primary key (broker, hash)
);
create index broker_tries_at on broker_tries (at);

-- Instances that read a Kafka; those that fell silent do not count.
create table kafka_members (
    broker text not null,
    instance text not null,
    heartbeat_at timestamptz not null default clock_timestamp(),
    primary key (broker, instance)
);

-- A partition is read by whoever holds its lease. Each new holder has a higher
-- fence, and a batch commits only under the fence it was read with.
create table kafka_partitions (
    broker text not null,
    topic text not null,
    partition integer not null,
    -- the first record that is not stored yet; none: never read
    next_offset bigint,
    fence bigint not null default 0,
    holder text,
    heartbeat_at timestamptz,
    -- how often the record at `tried_offset` was tried without getting past it
    tries integer not null default 0,
    tried_offset bigint,
    primary key (broker, topic, partition)
);

-- Files that are imported: how many rows are through. The step is made in the
-- transaction that stores the rows, so that an import that was killed goes on
-- exactly where it committed.
create table imports (
    -- SHA-256 of what is imported how
    hash bytea primary key,
    file text not null,
    rows bigint not null default 0,
    begun_at timestamptz not null default clock_timestamp(),
    moved_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
