-- Alerts: rules over figures, the state of each alert, and how people hear of
-- it. A rule of the network holds in every facility, one of a facility only
-- there; an alert belongs to the facility it is about, or to the installation
-- (a failed job), which only administrators of the network see.

create table alert_rules (
    id bigint generated always as identity primary key,
    -- none: it holds everywhere
    facility_id bigint references facilities,
    -- of a rule that comes with the program
    slug text constraint alert_rules_slug_key unique,
    name text not null constraint alert_rules_name_check check (length(name) between 1 and 80),
    severity text not null constraint alert_rules_severity_check check (severity in ('info', 'warning', 'critical')),
    -- `alerts::Condition`
    condition jsonb not null,
    hold_seconds integer not null default 0 constraint alert_rules_hold_check check (hold_seconds between 0 and 604800),
    keep_seconds integer not null default 0 constraint alert_rules_keep_check check (keep_seconds between 0 and 86400),
    enabled boolean not null default true,
    -- moves with every change, so that of two editors the second is told
    version integer not null default 1,
    -- `alerts::Extra`: labels, the words of its messages, what becomes of it without data
    extra jsonb not null default '{}',
    -- it holds as long as this catalog is imported
    catalog text
);
create index alert_rules_facility on alert_rules (facility_id);

insert into alert_rules (slug, name, severity, condition, hold_seconds, keep_seconds) values
    ('stock-critical', 'Stock under its minimum', 'critical', '{"kind": "shelves", "under": "minimum"}', 0, 300),
    ('stock-low', 'Stock under its reorder level', 'warning', '{"kind": "shelves", "under": "reorder"}', 900, 900),
    ('expiring', 'Units expire within a day', 'warning', '{"kind": "figure", "measure": "inventory.expiring", "by": "component", "hours": 24, "days": 1, "crosses": "above", "value": 0}', 0, 0),
    ('urgent-unanswered', 'Urgent request without an answer', 'critical', '{"kind": "unanswered"}', 0, 0),
    ('jobs-failing', 'A scheduled job failed', 'warning', '{"kind": "installation", "what": "failed_jobs", "value": 0}', 0, 0),
    ('mails-failing', 'Mails could not be sent', 'warning', '{"kind": "installation", "what": "failed_mails", "value": 0}', 0, 0),
    ('dead-letters', 'Dead letters wait', 'warning', '{"kind": "installation", "what": "dead_letters", "value": 0}', 0, 0);

-- Those of the catalogs that come with the program.
insert into alert_rules (slug, catalog, name, severity, condition, hold_seconds, keep_seconds, extra) values
    ('servers-cpu', 'servers', 'Processor of a host is busy', 'warning', '{"kind": "live", "watch": {"test": "level", "of": {"metric": "cpu_usage", "aggregate": "p95", "minutes": 5, "by": "host"}, "crosses": "above", "value": 90}}', 120, 120, '{"message": "{host}: processor at {value} %, limit {limit} %"}'),
    ('servers-errors', 'servers', 'Too many requests fail', 'critical', '{"kind": "live", "watch": {"test": "pair", "of": {"metric": "server_errors", "aggregate": "count", "minutes": 5, "by": "service"}, "operation": "/", "other": "server_requests", "other_aggregate": "sum", "crosses": "above", "value": 0.05}}', 60, 120, '{}'),
    ('servers-silent', 'servers', 'A host is silent', 'critical', '{"kind": "live", "watch": {"test": "absent", "metric": "cpu_usage", "minutes": 5}}', 0, 0, '{}'),
    ('servers-latency', 'servers', 'Latency is unusual', 'info', '{"kind": "live", "watch": {"test": "unusual", "of": {"metric": "request_latency", "aggregate": "avg", "minutes": 5, "by": "service"}, "sensitivity": 0.5}}', 0, 600, '{}'),
    ('payments-fraud', 'payments', 'Fraud rate is high', 'critical', '{"kind": "live", "watch": {"test": "level", "of": {"metric": "payment_fraud_rate", "aggregate": "avg", "minutes": 60}, "crosses": "above", "value": 0.02}}', 0, 600, '{}'),
    ('payments-takeover', 'payments', 'An account may be taken over', 'critical', '{"kind": "live", "watch": {"test": "case", "emits": "payment.takeover_suspected", "minutes": 30}}', 0, 0, '{}'),
    ('shop-revenue', 'shop', 'Revenue is below the usual', 'warning', '{"kind": "live", "watch": {"test": "change", "of": {"metric": "shop_revenue", "aggregate": "sum", "minutes": 60}, "usual": "median", "back": 4, "unit": "percent", "crosses": "below", "value": 50}}', 900, 900, '{}');

-- One row for each set of labels of a rule that is not in order, or was until
-- a quarter of an hour ago.
create table alerts (
    id bigint generated always as identity primary key,
    facility_id bigint references facilities,
    rule_id bigint not null references alert_rules on delete cascade,
    -- which one of the rule's: {"component": "red_cells", "blood_group": "O-"}
    labels jsonb not null,
    phase text not null constraint alerts_phase_check check (phase in ('pending', 'firing', 'recovering', 'resolved')),
    active_at timestamptz not null,
    fired_at timestamptz,
    eased_at timestamptz,
    resolved_at timestamptz,
    missed smallint not null default 0,
    value double precision not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledged_note text,
    -- `alerts::Detail`: what else is known when it was last broken
    detail jsonb not null default '{}',
    -- since when there is no data
    stale_at timestamptz
);
create unique index alerts_key on alerts (rule_id, coalesce(facility_id, 0), labels);
create index alerts_facility on alerts (facility_id, phase);

-- Every change in the life of an alert; kept for a year.
create table alert_history (
    id bigint generated always as identity primary key,
    facility_id bigint references facilities,
    at timestamptz not null,
    rule_id bigint references alert_rules on delete set null,
    rule_name text not null,
    severity text not null,
    condition jsonb not null,
    labels jsonb not null,
    -- `alerts::Turn`, or `acknowledged`
    turn text not null,
    value double precision not null,
    detail jsonb not null default '{}',
    actor_name text
);
create index alert_history_facility on alert_history (facility_id, id);

-- Nobody is told of an alert that one of these fits: a rule, some labels, a
-- time; each that is not given fits all.
create table alert_silences (
    facility_id bigint not null references facilities,
    id bigint generated always as identity unique,
    rule_id bigint references alert_rules on delete cascade,
    labels jsonb not null default '{}',
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    reason text not null constraint alert_silences_reason_check check (length(reason) between 1 and 200),
    made_by text not null,
    primary key (facility_id, id),
    constraint alert_silences_time_check check (starts_at < ends_at and ends_at <= starts_at + interval '31 days')
);

-- Ways to tell people who are not looking at a page: of a facility, or of the
-- network (then for every facility).
create table alert_channels (
    id bigint generated always as identity primary key,
    facility_id bigint references facilities,
    name text not null constraint alert_channels_name_check check (length(name) between 1 and 80),
    kind text not null constraint alert_channels_kind_check check (kind in ('email', 'webhook', 'slack', 'pagerduty')),
    -- address or key, sealed with the installation's secret: whoever has it could send
    sealed_target bytea not null,
    -- what may be shown of it
    hint text not null,
    -- signs a webhook's body
    sealed_secret bytea,
    least_severity text not null default 'warning'
        constraint alert_channels_severity_check check (least_severity in ('info', 'warning', 'critical')),
    -- local time of the facility in which nobody is told: {"from": "22:00", "to": "06:00", "weekdays": [6, 7]}
    muted jsonb,
    -- of its messages
    language text not null default 'en' constraint alert_channels_language_check check (language in ('en', 'fr', 'es', 'ar')),
    enabled boolean not null default true
);
create index alert_channels_facility on alert_channels (facility_id);

-- What was told of a rule's alerts in one facility, so that news of many comes
-- as one message: after 30 s, then every 5 minutes at most, again after 4 h.
create table alert_groups (
    id bigint generated always as identity primary key,
    facility_id bigint references facilities,
    rule_id bigint not null references alert_rules on delete cascade,
    begun_at timestamptz not null,
    told_at timestamptz,
    -- labels of those that were firing when it was told last
    told jsonb not null default '[]',
    -- of messages so far
    number integer not null default 0
);
create unique index alert_groups_key on alert_groups (rule_id, coalesce(facility_id, 0));

-- One message on its way to one channel.
create table alert_deliveries (
    id bigint generated always as identity primary key,
    facility_id bigint references facilities,
    channel_id bigint not null references alert_channels on delete cascade,
    -- of the group and its message; a channel is told each once
    group_key text not null,
    message jsonb not null,
    queued_at timestamptz not null default clock_now(),
    attempts integer not null default 0,
    next_try_at timestamptz not null default clock_now(),
    sent_at timestamptz,
    failed_at timestamptz,
    -- `alerts::Failure`
    last_error text,
    constraint alert_deliveries_once unique (channel_id, group_key)
);
create index alert_deliveries_due on alert_deliveries (next_try_at) where sent_at is null and failed_at is null;

-- A detector for each part of a metric that a rule watches, 12 kB each and at
-- most 500 for a rule.
create table alert_detectors (
    facility_id bigint not null,
    rule_id bigint not null references alert_rules on delete cascade,
    labels jsonb not null,
    -- the detector goes by this condition; another begins anew
    condition jsonb not null,
    detector jsonb not null,
    -- number of the window that was seen last, since 1970
    seen bigint not null,
    judged jsonb,
    primary key (facility_id, rule_id, labels)
);

-- Until when the facts of the outbox were looked at.
create table alert_rounds (
    id boolean primary key default true check (id),
    looked_at timestamptz not null default '-infinity',
    swept_at timestamptz not null default '-infinity',
    -- when live metrics were looked at
    measured_at timestamptz not null default '-infinity'
);
insert into alert_rounds default values;

do $$
declare tenant text;
begin
    -- what concerns the installation has no facility, and is seen by its administrators only
    foreach tenant in array array['alerts', 'alert_history', 'alert_silences', 'alert_groups', 'alert_deliveries', 'alert_detectors'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
    -- what the network made is read by every facility and written by the network
    foreach tenant in array array['alert_rules', 'alert_channels'] loop
        execute format('alter table %I enable row level security', tenant);
        execute format('alter table %I force row level security', tenant);
        execute format('create policy tenant on %I using ((select scope_is_all()) or facility_id is null or facility_id = any ((select scope_facilities())::bigint[])) with check ((select scope_is_all()) or facility_id = any ((select scope_facilities())::bigint[]))', tenant);
    end loop;
end $$;
