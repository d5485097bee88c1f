//! What is kept of brokers in the database: tries of messages, and leases on partitions. Times are those of the database.

use sqlx::PgConnection;

use crate::db::Db;
use crate::error::{Error, Result};

/// An instance that fell silent for this long has lost its partitions.
const LEASE: &str = "10 seconds";

/// Counts the first try of messages that are tried together, before they are. Answers those of which none was counted yet;
/// the others are to be tried alone.
pub async fn count_first(db: &Db, broker: &str, hashes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let counted = sqlx::query_scalar!(
        "insert into broker_tries (broker, hash, tries)
         select $1, h, 1 from (select distinct unnest($2::bytea[]) as h) one order by h
         on conflict (broker, hash) do nothing returning hash",
        broker,
        hashes
    )
    .fetch_all(db.background())
    .await?;
    Ok(counted)
}

/// Counts a try of one message, before it is tried alone: one that ends the process is counted too. Answers the tries so far.
pub async fn count_try_of(db: &Db, broker: &str, hash: &[u8]) -> Result<i32> {
    let tries = sqlx::query_scalar!(
        "insert into broker_tries (broker, hash, tries) values ($1, $2, 1)
         on conflict (broker, hash) do update set tries = broker_tries.tries + 1, at = clock_timestamp()
         returning tries",
        broker,
        hash
    )
    .fetch_one(db.background())
    .await?;
    Ok(tries)
}

/// Messages that are through need no count.
pub async fn forget_tries(db: &Db, broker: &str, hashes: &[Vec<u8>]) -> Result<()> {
    sqlx::query!(
        "delete from broker_tries where broker = $1 and hash = any ($2)",
        broker,
        hashes
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// Removes counts of messages that never came again, and instances that never left.
pub async fn prune(db: &Db) -> Result<()> {
    sqlx::query!("delete from broker_tries where at < clock_timestamp() - interval '30 days'")
        .execute(db.background())
        .await?;
    sqlx::query!("delete from kafka_members where heartbeat_at < clock_timestamp() - interval '1 day'")
        .execute(db.background())
        .await?;
    Ok(())
}

/// The right to read one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub topic: String,
    pub partition: i32,
    pub fence: i64,
}

/// Which of the instances that live this is, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// from 0
    pub place: i64,
    pub of: i64,
}

impl Rank {
    /// How many of so many partitions are this instance's.
    pub fn share(self, partitions: i64) -> i64 {
        let of = self.of.max(1);
        partitions / of + i64::from(self.place < partitions % of)
    }
}

/// Makes known which partitions there are.
pub async fn know(db: &Db, broker: &str, partitions: &[(String, i32)]) -> Result<()> {
    let (topics, numbers): (Vec<String>, Vec<i32>) = partitions.iter().cloned().unzip();
    sqlx::query!(
        "insert into kafka_partitions (broker, topic, partition)
         select $1, t, p from unnest($2::text[], $3::integer[]) as found (t, p) order by t, p on conflict do nothing",
        broker,
        &topics,
        &numbers
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// Says that this instance lives.
pub async fn attend(db: &Db, broker: &str, instance: &str) -> Result<Rank> {
    sqlx::query!(
        "insert into kafka_members (broker, instance) values ($1, $2)
         on conflict (broker, instance) do update set heartbeat_at = clock_timestamp()",
        broker,
        instance
    )
    .execute(db.background())
    .await?;
    let rank = sqlx::query_as!(
        Rank,
        r#"select count(*) as "of!", count(*) filter (where instance < $2) as "place!" from kafka_members
           where broker = $1 and heartbeat_at > clock_timestamp() - $3::text::interval"#,
        broker,
        instance,
        LEASE
    )
    .fetch_one(db.background())
    .await?;
    Ok(rank)
}

/// Renews the leases of this instance and answers which it still has. One that a batch just holds is renewed by its commit.
pub async fn renew(db: &Db, broker: &str, instance: &str) -> Result<Vec<Lease>> {
    sqlx::query!(
        "update kafka_partitions p set heartbeat_at = clock_timestamp()
         from (select topic, partition from kafka_partitions where broker = $1 and holder = $2
               order by topic, partition for update skip locked) mine
         where p.broker = $1 and p.topic = mine.topic and p.partition = mine.partition",
        broker,
        instance
    )
    .execute(db.background())
    .await?;
    let leases = sqlx::query_as!(
        Lease,
        "select topic, partition, fence from kafka_partitions where broker = $1 and holder = $2 order by topic, partition",
        broker,
        instance
    )
    .fetch_all(db.background())
    .await?;
    Ok(leases)
}

/// Takes up to so many partitions that nobody holds, or whose holder fell silent.
pub async fn claim(db: &Db, broker: &str, instance: &str, topics: &[String], most: i64) -> Result<Vec<Lease>> {
    let leases = sqlx::query_as!(
        Lease,
        "update kafka_partitions p set holder = $2, fence = p.fence + 1, heartbeat_at = clock_timestamp()
         from (select topic, partition from kafka_partitions
               where broker = $1 and topic = any ($3)
                 and (holder is null or heartbeat_at < clock_timestamp() - $5::text::interval)
               order by topic, partition limit $4 for update skip locked) free
         where p.broker = $1 and p.topic = free.topic and p.partition = free.partition
         returning p.topic, p.partition, p.fence",
        broker,
        instance,
        topics,
        most,
        LEASE
    )
    .fetch_all(db.background())
    .await?;
    Ok(leases)
}

/// Gives a partition back after its last batch.
pub async fn release(db: &Db, broker: &str, lease: &Lease) -> Result<()> {
    sqlx::query!(
        "update kafka_partitions set holder = null, heartbeat_at = null, tries = 0
         where broker = $1 and topic = $2 and partition = $3 and fence = $4",
        broker,
        lease.topic,
        lease.partition,
        lease.fence
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// This instance reads no more.
pub async fn leave(db: &Db, broker: &str, instance: &str) -> Result<()> {
    sqlx::query!(
        "delete from kafka_members where broker = $1 and instance = $2",
        broker,
        instance
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// Where to read on.
///
/// # Errors
/// When the lease is somebody else's by now.
pub async fn place(db: &Db, broker: &str, lease: &Lease) -> Result<Option<i64>> {
    let next = sqlx::query_scalar!(
        "select next_offset from kafka_partitions where broker = $1 and topic = $2 and partition = $3 and fence = $4",
        broker,
        lease.topic,
        lease.partition,
        lease.fence
    )
    .fetch_optional(db.background())
    .await?;
    next.ok_or_else(|| lost(lease))
}

/// Counts a try of the record at this offset, before it is tried: one that ends the process is counted too. Answers the
/// tries so far; those of another record are not this one's.
///
/// # Errors
/// When the lease is somebody else's by now.
pub async fn count_try(db: &Db, broker: &str, lease: &Lease, offset: i64) -> Result<i32> {
    let tries = sqlx::query_scalar!(
        "update kafka_partitions set tries = case when tried_offset = $5 then tries + 1 else 1 end, tried_offset = $5
         where broker = $1 and topic = $2 and partition = $3 and fence = $4 returning tries",
        broker,
        lease.topic,
        lease.partition,
        lease.fence,
        offset
    )
    .fetch_optional(db.background())
    .await?;
    tries.ok_or_else(|| lost(lease))
}

/// Takes a counted try back that said nothing of the record: the database was busy.
pub async fn take_try_back(db: &Db, broker: &str, lease: &Lease, offset: i64) -> Result<()> {
    sqlx::query!(
        "update kafka_partitions set tries = greatest(tries - 1, 0)
         where broker = $1 and topic = $2 and partition = $3 and fence = $4 and tried_offset = $5",
        broker,
        lease.topic,
        lease.partition,
        lease.fence,
        offset
    )
    .execute(db.background())
    .await?;
    Ok(())
}

/// Notes where a partition begins that was never read, so that whoever holds it next begins there, too.
///
/// # Errors
/// When the lease is somebody else's by now.
pub async fn begin_at(db: &Db, broker: &str, lease: &Lease, offset: i64) -> Result<()> {
    let noted = sqlx::query!(
        "update kafka_partitions set next_offset = $5
         where broker = $1 and topic = $2 and partition = $3 and fence = $4 and next_offset is null",
        broker,
        lease.topic,
        lease.partition,
        lease.fence,
        offset
    )
    .execute(db.background())
    .await?;
    if noted.rows_affected() == 1 {
        Ok(())
    } else {
        Err(lost(lease))
    }
}

/// In the transaction that stores what was read: moves the place from one offset to the next. Under another fence, or from
/// another place, nothing of the transaction may stay.
pub async fn advance(tx: &mut PgConnection, broker: &str, lease: &Lease, from: i64, to: i64) -> Result<()> {
    let moved = sqlx::query!(
        "update kafka_partitions set next_offset = $6, tries = 0, heartbeat_at = clock_timestamp()
         where broker = $1 and topic = $2 and partition = $3 and fence = $4 and next_offset = $5",
        broker,
        lease.topic,
        lease.partition,
        lease.fence,
        from,
        to
    )
    .execute(tx)
    .await?;
    if moved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(lost(lease))
    }
}

fn lost(lease: &Lease) -> Error {
    Error::Conflict(format!(
        "partition {} of {} was taken over",
        lease.partition, lease.topic
    ))
}

#[cfg(test)]
mod tests {
    use super::Rank;

    #[test]
    fn shares_differ_by_one_at_most_and_add_up() {
        for (partitions, of) in [(0, 1), (1, 3), (4, 3), (12, 5), (3, 3)] {
            let shares: Vec<i64> = (0..of).map(|place| Rank { place, of }.share(partitions)).collect();

            assert_eq!(shares.iter().sum::<i64>(), partitions);
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }
}
