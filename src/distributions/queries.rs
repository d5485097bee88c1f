//! Questions about distributions, each asked as one facility: what it sends and what is sent to it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{Distribution, Filter, Line, Outcome, Status, Total, figures};
use crate::blood::{BloodGroup, Component, DonationNumber, UnitStatus};
use crate::error::Result;
use crate::figures::{Cut, Row};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::web::{Turn, Turned};

/// Rows on a page of the list.
pub const PAGE: i64 = 50;

/// A checked query for whole distributions: its text after the list of columns (with `d`), then its parameters.
macro_rules! distributions {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Distribution,
            r#"select d.id as "id!: DistributionId", d.facility_id as "from!: FacilityId", sender.name as from_name,
                      d.dispatched_to_id as "to!: FacilityId", receiver.name as to_name,
                      d.request_id as "request?: RequestId", d.return_of as "return_of?: DistributionId",
                      d.sent as "sent!", d.quantity as "quantity!", d.status as "status!: Status", d.note as "note!",
                      d.temperature_celsius as "temperature?", d.dispatched_at as "dispatched_at!",
                      d.date_delivered as "delivered_at?",
                      array(select distinct u.component || ' ' || u.blood_group from distribution_units u
                            where u.facility_id = d.facility_id and u.distribution_id = d.id order by 1) as "kinds!" "#
                + $text $(+ $more)*
                + " ",
            $($value),+
        )
    };
}

/// Their figures instead of the rows.
macro_rules! figures {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Total,
            r#"select coalesce(sum(case when $5::date is null then d.quantity else d.sent end), 0) as "units!",
                      count(*) as "rows!" "#
                + $text $(+ $more)*,
            $($value),+
        )
    };
}

/// Their units over many facilities, split by up to two dimensions (parameters 7 and 8).
macro_rules! parts {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select case $7::text when 'facility' then here.id::text when 'region' then here.region
                                    else '' end as "first!",
                      case $8::text when 'facility' then here.id::text when 'region' then here.region
                                    else '' end as "second!",
                      sum(case when $5::date is null then d.quantity else d.sent end)::double precision as "value!",
                      null::double precision as over "#
                + $text $(+ $more)*,
            $($value),+
        )
    };
}

/// One of the three above about what a filter means: the one condition behind every number and every list. Parameters 1
/// to 6 are the facilities' and the filter's, any others follow.
macro_rules! matching {
    ($select:ident, $facility:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        matching!($select; &[$facility.0][..], $filter, $rest $(, $more)*)
    };
    ($select:ident; $facilities:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        $select!(
            "from (
               select *, facility_id as here_id from blood_distributions where facility_id = any ($1) and $2 <> 'incoming'
               union all
               select *, dispatched_to_id from blood_distributions where dispatched_to_id = any ($1) and $2 <> 'outgoing'
             ) d
             join facilities sender on sender.id = d.facility_id
             join facilities receiver on receiver.id = d.dispatched_to_id
             join facilities here on here.id = d.here_id
             where ($3::text is null or d.status = $3)
               and ($4::date is null or (d.date_delivered >= day_start($4, here.time_zone)
                                         and d.date_delivered < day_start(coalesce($6::date, $4) + 1, here.time_zone)))
               and ($5::date is null or (d.dispatched_at >= day_start($5, here.time_zone)
                                         and d.dispatched_at < day_start(coalesce($6::date, $5) + 1, here.time_zone))) "
                + $rest,
            $facilities,
            $filter.side.as_str(),
            $filter.status.map(Status::as_str),
            $filter.delivered_on,
            $filter.dispatched_on,
            $filter.until
            $(, $more)*
        )
    };
}

/// Units that the filter means: those sent when it asks for a day of dispatch, else what they are worth to the receiver.
pub async fn total(tx: &mut PgConnection, facility: FacilityId, filter: &Filter) -> Result<i64> {
    Ok(totals(tx, facility, filter).await?.units)
}

/// Units and distributions that the filter means.
pub async fn totals(tx: &mut PgConnection, facility: FacilityId, filter: &Filter) -> Result<Total> {
    Ok(matching!(figures, facility, filter, "").fetch_one(tx).await?)
}

/// Units that the filter means in many facilities, split by facility or region.
pub async fn split(tx: &mut PgConnection, cut: &Cut, filter: &Filter) -> Result<Vec<Row>> {
    let found = matching!(
        parts; &cut.facilities,
        filter,
        "group by 1, 2",
        cut.dimension(0),
        cut.dimension(1)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// A page of the distributions that the filter means, newest dispatch first.
pub async fn turn(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &Filter,
    turn: Turn<DistributionId>,
) -> Result<Turned<Distribution>> {
    let after = match turn {
        Turn::First => None,
        Turn::After(id) => Some(id),
        Turn::Before(id) => {
            let rows = matching!(
                distributions,
                facility,
                filter,
                "and (d.dispatched_at, d.id)
                     > (select l.dispatched_at, l.id from blood_distributions l where l.id = $7)
                 order by d.dispatched_at, d.id limit $8",
                id.0,
                PAGE + 1
            )
            .fetch_all(&mut *tx)
            .await?;
            if let Some(page) = Turned::backward(rows, PAGE) {
                return Ok(page);
            }
            None
        }
    };
    let found = matching!(
        distributions,
        facility,
        filter,
        "and ($7::bigint is null or (d.dispatched_at, d.id)
              < (select l.dispatched_at, l.id from blood_distributions l where l.id = $7))
         order by d.dispatched_at desc, d.id desc limit $8",
        after.map(|id| id.0),
        PAGE + 1
    )
    .fetch_all(tx)
    .await?;
    Ok(Turned::forward(found, PAGE, after.is_some()))
}

/// One distribution that the facility sends or receives; `NotFound` for any other.
pub async fn find(tx: &mut PgConnection, facility: FacilityId, id: DistributionId) -> Result<Distribution> {
    let found = distributions!(
        "from blood_distributions d
         join facilities sender on sender.id = d.facility_id
         join facilities receiver on receiver.id = d.dispatched_to_id
         where d.id = $2 and (d.facility_id = $1 or d.dispatched_to_id = $1)",
        facility.0,
        id.0
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// What a distribution carries, in the order of component, group and expiry.
pub async fn lines(tx: &mut PgConnection, distribution: &Distribution) -> Result<Vec<Line>> {
    let found = sqlx::query_as!(
        Line,
        r#"select u.inventory_id as "unit: UnitId", u.component as "component: Component",
                  u.blood_group as "group: BloodGroup", u.quantity,
                  u.donation_number as "donation_number: DonationNumber", u.lot, u.collected_at, u.expires_at,
                  u.expires_at <= clock_now() as "expired!", u.outcome as "outcome: Outcome",
                  u.received_id as "received: UnitId", i.status as "status?: UnitStatus"
           from distribution_units u
           left join blood_inventory i on i.facility_id = u.dispatched_to_id and i.id = u.received_id
           where u.facility_id = $1 and u.distribution_id = $2
           order by u.component, u.blood_group, u.expires_at, u.inventory_id"#,
        distribution.from.0,
        distribution.id.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The returns of a distribution's units, oldest first, as far as the transaction's scope sees them.
pub async fn returns_of(tx: &mut PgConnection, distribution: &Distribution) -> Result<Vec<DistributionId>> {
    let found = sqlx::query_scalar!(
        r#"select id as "id: DistributionId" from blood_distributions
           where facility_id = $1 and dispatched_to_id = $2 and return_of = $3 order by id"#,
        distribution.to.0,
        distribution.from.0,
        distribution.id.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Units that the facility sent on each of these local days (both included); a day without any is not in the map.
pub async fn sent_by_day(
    tx: &mut PgConnection,
    facility: FacilityId,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<BTreeMap<NaiveDate, i64>> {
    let rows = figures::sent(tx, &Cut::by_day(facility, first, last)).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.first.parse().ok()?, row.value as i64)))
        .collect())
}
