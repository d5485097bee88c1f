//! Sends what is queued. A delivery is claimed by moving its next try further than any batch takes, so two instances never
//! send the same at once; a receiver can tell a repeated one by its key.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::Value;

use crate::alerts::Outlets;
use crate::alerts::channel::{ChannelKind, Message, Target, signature};
use crate::alerts::failure::Failure;
use crate::alerts::mail::letter;
use crate::db::{Db, Scope};
use crate::error::Result;
use crate::mail;
use crate::words::{Language, Locale, within};

/// Until the next try, in seconds: eight tries within a day.
const DELAYS: [i32; 8] = [10, 30, 120, 600, 3600, 3 * 3600, 8 * 3600, 11 * 3600];
const BATCH: i64 = 20;
/// How long a batch is claimed for, in seconds: one that is sent takes ten at most, for the name and the exchange.
const CLAIM: i32 = 120;
/// Of an answer, what is looked at: only whether it was taken.
const LARGEST: usize = 64 * 1024;

struct Due {
    id: i64,
    channel: i64,
    kind: ChannelKind,
    target: Vec<u8>,
    secret: Option<Vec<u8>>,
    key: String,
    message: Value,
    language: Language,
    attempts: i32,
}

/// Sends what is due and answers how many were taken.
pub async fn deliver(db: &Db, outlets: &Outlets) -> Result<usize> {
    let due = claim(db).await?;
    let sending = due
        .iter()
        .map(|one| within(Locale::of(one.language), send(db, outlets, one)));
    let results = join_all(sending).await;
    let mut taken = 0;
    for (one, result) in due.iter().zip(results) {
        let mut tx = db.write_in_background(&Scope::All).await?;
        // queued and marked as sent together, or neither
        let result = match result {
            Ok(Some(letter)) => outlets.mail.queue(&mut tx, &letter, None).await.map_err(Failure::from),
            Ok(None) => Ok(()),
            Err(failure) => Err(failure),
        };
        let given_up = one.attempts as usize >= DELAYS.len();
        let noted = sqlx::query!(
            "update alert_deliveries
             set sent_at = case when $2::text is null then clock_now() end, last_error = $2,
                 failed_at = case when $2::text is not null and $3 then clock_now() end,
                 next_try_at = clock_now() + interval '1 second' * ($5::integer[])[least(attempts, 8)]
             where id = $1 and sent_at is null and attempts = $4",
            one.id,
            result.as_ref().err().map(|failure| failure.code()),
            given_up,
            one.attempts,
            &DELAYS[..]
        )
        .execute(&mut *tx)
        .await?;
        if noted.rows_affected() == 0 {
            // somebody else has it since; its letter is not queued twice
            tracing::warn!(channel = one.channel, "a delivery took longer than it was claimed for");
            continue;
        }
        tx.commit().await?;
        match result {
            Ok(()) => taken += 1,
            Err(error) => tracing::warn!(channel = one.channel, kind = %one.kind, %error, "an alert could not be sent"),
        }
    }
    Ok(taken)
}

async fn claim(db: &Db) -> Result<Vec<Due>> {
    let mut tx = db.write_in_background(&Scope::All).await?;
    let found = sqlx::query_as!(
        Due,
        r#"update alert_deliveries d
           set attempts = attempts + 1, next_try_at = clock_now() + make_interval(secs => $2)
           from alert_channels c
           where c.id = d.channel_id and d.id in (
             select id from alert_deliveries
             where sent_at is null and failed_at is null and next_try_at <= clock_now()
             order by next_try_at limit $1 for update skip locked)
           returning d.id, d.channel_id as channel, c.kind as "kind: ChannelKind", c.sealed_target as target,
                     c.sealed_secret as secret, d.group_key as key, d.message,
                     c.language as "language: Language", d.attempts"#,
        BATCH,
        f64::from(CLAIM)
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(found)
}

/// Whether the receiver took it, or a letter that is still to be queued; otherwise why not.
async fn send(db: &Db, outlets: &Outlets, due: &Due) -> Result<Option<mail::Message>, Failure> {
    let opened = outlets.vault.open("alert channel", &due.target);
    let target: Target = opened
        .ok()
        .and_then(|plain| serde_json::from_slice(&plain).ok())
        .ok_or(Failure::Sealed)?;
    let message = Message {
        value: &due.message,
        base_url: &outlets.base_url,
    };
    let body = match due.kind {
        ChannelKind::Email if !outlets.mail.is_on() => return Err(Failure::NoMail),
        ChannelKind::Email => {
            let letter = letter(&target.to, &message, db.clock.now() + TimeDelta::hours(24));
            return letter.map(Some).map_err(Failure::from);
        }
        ChannelKind::Webhook => message.webhook(),
        ChannelKind::Slack => message.slack(),
        ChannelKind::PagerDuty => message.pagerduty(&target.key),
    };
    let secret = match &due.secret {
        Some(sealed) => Some(
            outlets
                .vault
                .open("alert channel", sealed)
                .map_err(|_| Failure::Sealed)?,
        ),
        None => None,
    };
    post(outlets, due, &target.to, body.to_string().into_bytes(), secret)
        .await
        .map(|()| None)
}

async fn post(outlets: &Outlets, due: &Due, to: &str, body: Vec<u8>, secret: Option<Vec<u8>>) -> Result<(), Failure> {
    let url = outlets.reach.check(to)?;
    let client = outlets.reach.client(&url).await?;
    let now: DateTime<Utc> = Utc::now();
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "Pulseboard")
        .header("idempotency-key", format!("{}-{}", due.channel, due.key));
    if let Some(secret) = secret {
        request = request.header("pulseboard-signature", signature(&secret, now, &body));
    }
    let mut answer = request.body(body).send().await.map_err(|error| {
        if error.is_timeout() {
            Failure::TimedOut
        } else {
            Failure::Connection
        }
    })?;
    let status = answer.status();
    // read to its end within reason, so that the connection ends well; what it says is nobody's business
    let mut read = 0;
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(Duration::from_secs(5), answer.chunk()).await {
        read += chunk.len();
        if read > LARGEST {
            break;
        }
    }
    match status.is_success() {
        true => Ok(()),
        false => Err(Failure::Answered(status.as_u16())),
    }
}
