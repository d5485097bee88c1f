//! Figures for programs: JSON, asked with an API key. Errors are JSON too: `{"error", "message", "request_id"}`.

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::app::App;
use crate::auth::{Access, ApiKey, KeyReader};
use crate::clock::local_day;
use crate::db::Scope;
use crate::error::{Error, Result};
use crate::facilities::{Facility, FacilityKind};
use crate::ids::FacilityId;
use crate::summary;
use crate::web::Routes;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/api/v1/facilities", Access::Key, facilities)
        .get("/api/v1/facilities/{facility_id}/summary", Access::Key, daily)
}

/// A facility as a program sees it.
#[derive(serde::Serialize)]
struct FacilityJson {
    id: FacilityId,
    name: String,
    kind: FacilityKind,
    region: String,
    /// IANA name; the days of the facility are counted in it
    time_zone: &'static str,
}

impl FacilityJson {
    fn of(facility: &Facility) -> Self {
        FacilityJson {
            id: facility.id,
            name: facility.name.clone(),
            kind: facility.kind,
            region: facility.region.clone(),
            time_zone: facility.zone.as_str(),
        }
    }
}

#[derive(serde::Serialize)]
struct FacilitiesJson {
    facilities: Vec<FacilityJson>,
}

/// `GET /api/v1/facilities`: those that the key opens, by name.
async fn facilities(State(app): State<App>, asking: ApiKey) -> Result<Json<FacilitiesJson>> {
    let all = app.chrome.all().await?;
    let opened = all.iter().filter(|facility| asking.key.opens(facility.id));
    Ok(Json(FacilitiesJson {
        facilities: opened.map(|facility| FacilityJson::of(facility)).collect(),
    }))
}

/// First and last local day, both included; the last seven days when nothing is said.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

#[derive(serde::Serialize)]
struct DayJson {
    date: NaiveDate,
    /// issuable units at the last refresh of the day: a level, never to be added up
    total_stock: i64,
    /// units delivered to the facility
    total_transferred: i64,
    /// requests raised by the facility
    total_requests: i64,
    updated_at: DateTime<Utc>,
}

#[derive(serde::Serialize)]
struct SummaryJson {
    facility: FacilityJson,
    from: NaiveDate,
    to: NaiveDate,
    /// when the newest of these figures was computed; none when no day of the range was kept
    as_of: Option<DateTime<Utc>>,
    /// seconds since then
    age_seconds: Option<i64>,
    /// days that were kept, the oldest first
    days: Vec<DayJson>,
}

/// Days in one answer.
const LONGEST_RANGE: u64 = 366;

/// `GET /api/v1/facilities/{facility_id}/summary?from=2026-11-01&to=2026-11-21`
async fn daily(
    State(app): State<App>,
    reader: KeyReader,
    range: std::result::Result<Query<Range>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<SummaryJson>> {
    let Query(range) = range.map_err(|_| Error::invalid("", "Give from and to as days, such as 2026-11-21."))?;
    let facility = app.chrome.facility(reader.facility).await?;
    let now = app.db.clock.now();
    let to = range.to.unwrap_or_else(|| local_day(facility.zone, now));
    let from = range.from.or(to.checked_sub_days(Days::new(6))).unwrap_or(to);
    if from > to || (to - from).num_days() >= LONGEST_RANGE as i64 {
        let words = format!("from must not be after to, and both within {LONGEST_RANGE} days.");
        return Err(Error::invalid("", words));
    }
    let mut tx = app.db.read(&Scope::of(reader.facility)).await?;
    let days = app
        .db
        .timed("api summary", summary::days(&mut tx, reader.facility, from, to))
        .await?;
    let as_of = days.iter().map(|day| day.updated_at).max();
    Ok(Json(SummaryJson {
        facility: FacilityJson::of(&facility),
        from,
        to,
        as_of,
        age_seconds: as_of.map(|as_of| (now - as_of).num_seconds().max(0)),
        days: days
            .into_iter()
            .map(|day| DayJson {
                date: day.date,
                total_stock: day.total_stock,
                total_transferred: day.total_transferred,
                total_requests: day.total_requests,
                updated_at: day.updated_at,
            })
            .collect(),
    }))
}
