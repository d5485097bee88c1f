//! What a condition finds now, in many facilities with one question. The figures are those of boards and lists, so an
//! alert says the same number as the page it leads to.

use chrono::Days;
use sqlx::PgConnection;

use super::live::Detail;
use super::live::judge::Judged;
use super::model::{Condition, Crossing, Labels, PARTS, ShelfLevel, Trouble};
use crate::clock::{Zone, local_day};
use crate::error::{Error, Result};
use crate::figures::{Cut, Dimension};
use crate::ids::{FacilityId, numbers};
use crate::inventory::figures::shortfalls;
use crate::requests::queries::unanswered;
use crate::widgets::Query;
use crate::widgets::sources;

/// What was found of one set of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// none: of the installation
    pub facility: Option<FacilityId>,
    pub labels: Labels,
    pub value: f64,
    pub broken: bool,
    pub detail: Detail,
}

impl Observation {
    fn broken(facility: Option<FacilityId>, labels: Labels, value: f64) -> Self {
        Observation {
            facility,
            labels,
            value,
            broken: true,
            detail: Detail::default(),
        }
    }

    /// Of a part of a metric; facility 0 is the installation.
    pub fn of(judged: Judged) -> Self {
        let (facility, labels) = judged.part;
        Observation {
            facility: Some(FacilityId(facility)).filter(|id| id.0 != 0),
            labels,
            value: judged.value,
            broken: judged.broken,
            detail: judged.detail,
        }
    }
}

/// A facility and the zone of its days.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub facility: FacilityId,
    pub zone: Zone,
}

/// Alerts of one rule in one look; more than this is a rule that watches the wrong thing.
const MOST: i64 = 20_000;

/// Everything that breaks a condition over figures now in these facilities, or in the installation; what is not found is in
/// order. Conditions over live metrics are looked at elsewhere.
pub async fn broken(tx: &mut PgConnection, condition: &Condition, places: &[Place]) -> Result<Vec<Observation>> {
    let ids: Vec<FacilityId> = places.iter().map(|place| place.facility).collect();
    match condition {
        Condition::Shelves { under } => shelves(tx, &ids, *under).await,
        Condition::Unanswered {} => {
            let found = unanswered(tx, &ids).await?;
            Ok(found
                .into_iter()
                .map(|one| {
                    let labels = labels([
                        ("request", one.request.to_string()),
                        ("from", one.from),
                        ("component", one.component.to_string()),
                        ("blood_group", one.group.to_string()),
                        ("urgency", one.urgency.to_string()),
                    ]);
                    Observation::broken(Some(one.asked), labels, one.quantity.into())
                })
                .collect())
        }
        Condition::Figure { .. } => figure(tx, condition, places).await,
        Condition::Installation { what, value } => {
            let count = trouble(tx, *what).await?;
            let one = Observation::broken(None, Labels::new(), count as f64);
            Ok(Some(one).filter(|one| one.value > *value).into_iter().collect())
        }
        Condition::Live { .. } => Ok(Vec::new()),
    }
}

fn labels<const N: usize>(pairs: [(&str, String); N]) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

async fn shelves(tx: &mut PgConnection, ids: &[FacilityId], under: ShelfLevel) -> Result<Vec<Observation>> {
    let today = chrono::Utc::now().date_naive();
    let cut = Cut {
        facilities: numbers(ids),
        // a level of this moment passes the days over
        first: today,
        last: today,
        by: Vec::new(),
        group: None,
        component: None,
    };
    let found = shortfalls(tx, &cut, MOST).await?;
    Ok(found
        .worst
        .into_iter()
        .filter(|(_, level)| match under {
            ShelfLevel::Reorder => true,
            ShelfLevel::Minimum => level.minimum.is_some_and(|minimum| level.issuable < minimum.into()),
        })
        .map(|(facility, level)| {
            let labels = labels([
                ("component", level.component.to_string()),
                ("blood_group", level.group.to_string()),
            ]);
            Observation::broken(Some(facility), labels, level.issuable as f64)
        })
        .collect())
}

/// The label that a dimension becomes.
fn label_of(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Group => "blood_group",
        other => other.as_str(),
    }
}

/// Facilities are asked together with all others whose day is the same.
async fn figure(tx: &mut PgConnection, condition: &Condition, places: &[Place]) -> Result<Vec<Observation>> {
    let Condition::Figure {
        measure,
        by,
        days,
        hours,
        crosses,
        value,
    } = condition
    else {
        return Ok(Vec::new());
    };
    let (source, known) = sources().find(measure).ok_or(Error::NotFound)?;
    let now = sqlx::query_scalar!(r#"select clock_now() as "now!""#)
        .fetch_one(&mut *tx)
        .await?;
    let mut by_day: std::collections::BTreeMap<chrono::NaiveDate, Vec<FacilityId>> = Default::default();
    for place in places {
        by_day
            .entry(local_day(place.zone, now))
            .or_default()
            .push(place.facility);
    }
    let by = by.filter(|by| PARTS.contains(by) && known.by.contains(by));
    let mut found = Vec::new();
    for (today, ids) in by_day {
        let query = Query {
            measure: measure.clone(),
            cut: Cut {
                facilities: numbers(&ids),
                first: today - Days::new(u64::from(days.saturating_sub(1))),
                last: today,
                by: std::iter::once(Dimension::Facility).chain(by).collect(),
                group: None,
                component: None,
            },
            hours: *hours,
            live: true,
        };
        let frame = source.load(&mut *tx, &query).await?;
        let mut rows: Vec<(FacilityId, Labels, f64)> = frame
            .rows
            .iter()
            .filter_map(|row| {
                let number = match row.over {
                    Some(over) if over > 0.0 => row.value / over,
                    Some(_) => return None,
                    None => row.value,
                };
                let part = by.map(|by| (label_of(by).to_owned(), row.second.clone()));
                Some((row.first.parse().ok()?, part.into_iter().collect(), number))
            })
            .collect();
        if by.is_none() && *crosses == Crossing::Below {
            // combinations without anything are not in the answer, and nothing is less than something
            let known: std::collections::BTreeSet<_> = rows.iter().map(|(facility, ..)| *facility).collect();
            let none = ids.iter().filter(|id| !known.contains(id));
            let zero: Vec<_> = none.map(|id| (*id, Labels::new(), 0.0)).collect();
            rows.extend(
                zero.into_iter()
                    .filter(|_| frame.rows.iter().all(|row| row.over.is_none())),
            );
        }
        let broken = rows
            .into_iter()
            .filter(|(.., number)| crosses.is_crossed(*number, *value));
        found.extend(broken.map(|(facility, labels, value)| Observation::broken(Some(facility), labels, value)));
    }
    Ok(found)
}

async fn trouble(tx: &mut PgConnection, what: Trouble) -> Result<i64> {
    let count = match what {
        Trouble::FailedJobs => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from job_runs
                   where finished_at > clock_timestamp() - interval '1 hour' and outcome <> 'done'"#
            )
            .fetch_one(tx)
            .await?
        }
        Trouble::FailedMails => {
            sqlx::query_scalar!(
                r#"select count(*) as "rows!" from mails where failed_at > clock_now() - interval '1 hour'"#
            )
            .fetch_one(tx)
            .await?
        }
        Trouble::DeadLetters => {
            sqlx::query_scalar!(r#"select count(*) as "rows!" from dead_letters"#)
                .fetch_one(tx)
                .await?
        }
    };
    Ok(count)
}
