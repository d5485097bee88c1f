-- Mails on their way. They are written in the transaction of what they tell, and
-- sent by a job, so that a slow mail server never holds a request.
--
-- A link's token stands in no row: `sealed_token` can be opened only with the
-- installation's secret, so a stolen dump holds no usable link. What was sent
-- keeps its address and subject for a month, and no body.
create table mails (
    id bigint generated always as identity primary key,
    queued_at timestamptz not null default clock_now(),
    to_address text not null,
    to_name text not null,
    subject text not null,
    body_text text not null,
    body_html text not null,
    token_nonce bytea,
    sealed_token bytea,
    token_hash bytea,
    -- after this there is no point in it
    expires_at timestamptz not null,
    attempts integer not null default 0,
    next_try_at timestamptz not null default clock_now(),
    sent_at timestamptz,
    failed_at timestamptz,
    last_error text,
    constraint mails_token_check check ((sealed_token is null) = (token_nonce is null))
);
create index mails_due on mails (next_try_at) where sent_at is null and failed_at is null;
create index mails_queued on mails (queued_at);
