//! Series: a metric of a facility with one combination of tags, known by a number that never changes. Kept in memory once
//! known, since every point needs it.

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use serde_json::{Map, Value};

use crate::db::Db;
use crate::error::Result;
use crate::metrics::model::Tags;

/// Series of one metric in one facility; a sender who puts an order's number into a tag would make millions.
pub const MOST: i64 = 10_000;

/// A series that is not known yet.
#[derive(Clone, Debug)]
pub struct NewSeries {
    pub facility: i64,
    pub metric: i32,
    pub tags: Tags,
}

/// The numbers of series. Cheap to clone.
#[derive(Clone)]
pub struct Series {
    db: Db,
    known: Arc<DashMap<Box<[u8]>, i32>>,
}

impl Series {
    pub fn new(db: Db) -> Self {
        Series {
            db,
            known: Arc::default(),
        }
    }

    /// What a series is known by. Tags must be sorted.
    pub fn key(facility: i64, metric: i32, tags: &Tags) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        key.extend_from_slice(&facility.to_le_bytes());
        key.extend_from_slice(&metric.to_le_bytes());
        for (tag, value) in tags {
            for text in [tag, value] {
                key.extend_from_slice(&(text.len() as u32).to_le_bytes());
                key.extend_from_slice(text.as_bytes());
            }
        }
        key
    }

    pub fn find(&self, key: &[u8]) -> Option<i32> {
        self.known.get(key).map(|id| *id)
    }

    /// Makes those that are not there, in a transaction of its own: a series without points harms nobody. A metric that has
    /// as many as it may gets no more, and they stay unknown.
    pub async fn make(&self, wanted: HashMap<Vec<u8>, NewSeries>) -> Result<()> {
        let mut wanted: Vec<(Vec<u8>, NewSeries)> = wanted.into_iter().collect();
        // in one order, so that two who make the same do not block each other
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        let mut facilities = Vec::with_capacity(wanted.len());
        let mut metrics = Vec::with_capacity(wanted.len());
        let mut tags = Vec::with_capacity(wanted.len());
        for (_, new) in &wanted {
            facilities.push(new.facility);
            metrics.push(new.metric);
            tags.push(object(&new.tags));
        }
        let mut tx = self.db.ingest().await?;
        let ids = sqlx::query!(
            r#"with wanted as (
                 select * from unnest($1::bigint[], $2::int[], $3::jsonb[]) with ordinality as w(facility_id, metric_id, tags, place)
               ), there as (
                 select w.place, s.id from wanted w
                 join series s on s.facility_id = w.facility_id and s.metric_id = w.metric_id and s.tags = w.tags
               ), full_by as (
                 select facility_id, metric_id, (select count(*) from series s
                   where s.facility_id = g.facility_id and s.metric_id = g.metric_id) as n
                 from (select distinct facility_id, metric_id from wanted) g
               ), room as (
                 select place from (
                   select w.place, f.n + row_number() over (partition by w.facility_id, w.metric_id order by w.place) as nth
                   from wanted w join full_by f using (facility_id, metric_id)
                   where w.place not in (select place from there)) missing
                 where nth <= $4
               ), made as (
                 insert into series (facility_id, metric_id, tags)
                 select facility_id, metric_id, tags from wanted join room using (place) order by place
                 on conflict (facility_id, metric_id, tags) do update set metric_id = excluded.metric_id
                 returning id, facility_id, metric_id, tags
               )
               select place as "place!", id as "id!" from there
               union all
               select w.place, m.id from made m join wanted w using (facility_id, metric_id, tags)"#,
            &facilities,
            &metrics,
            &tags,
            MOST
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        for row in ids {
            let (key, _) = &wanted[row.place as usize - 1];
            self.known.insert(key.as_slice().into(), row.id);
        }
        Ok(())
    }
}

fn object(tags: &Tags) -> Value {
    let map: Map<String, Value> = tags
        .iter()
        .map(|(tag, value)| (tag.clone(), value.as_str().into()))
        .collect();
    Value::Object(map)
}
