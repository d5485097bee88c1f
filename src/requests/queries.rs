//! Questions about requests, each asked as one facility: its own and those put to it. The transaction's scope says what
//! of the other side may be seen.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use super::{Delivery, Filter, Recipient, RecipientStatus, Request, RequestStatus, Step, StepKind, Urgency, figures};
use crate::blood::{BloodGroup, Component};
use crate::error::Result;
use crate::facilities::{self, Facility};
use crate::figures::{Cut, Row};
use crate::ids::{FacilityId, RequestId, numbers};
use crate::web::{Turn, Turned};

/// Rows on a page of the list.
pub const PAGE: i64 = 50;

/// A checked query for whole requests: its text after the list of columns (with `seen`, the requests that facility $1
/// has a part in), then its parameters.
macro_rules! requests {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Request,
            r#"select r.id as "id: RequestId", r.facility_id as "facility: FacilityId", asker.name as facility_name,
                      r.component as "component: Component", r.blood_group as "group: BloodGroup", r.quantity,
                      r.urgency as "urgency: Urgency", r.status as "status: RequestStatus", r.needed_by, r.reason,
                      r.fulfilled, r.created_at, r.closed_at, taker.to_facility_id as "accepted_by?: FacilityId",
                      (select name from facilities where id = taker.to_facility_id) as accepted_name,
                      taker.accepted_quantity as "accepted?",
                      (select coalesce(string_agg(f.name, ', ' order by f.name), '')
                       from request_recipients p join facilities f on f.id = p.to_facility_id
                       where p.facility_id = r.facility_id and p.request_id = r.id) as "put_to!",
                      seen.mine as "mine?: RecipientStatus" "#
                + $text $(+ $more)*
                + r#" "#,
            $($value),+
        )
    };
}

/// Their number instead of the rows.
macro_rules! number {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_scalar!(r#"select count(*) as "rows!" "# + $text $(+ $more)*, $($value),+)
    };
}

/// Their number over many facilities, split by up to two dimensions (parameters 9 and 10). A request between two of the
/// facilities counts once, and once for each when they are told apart.
macro_rules! parts {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select case $9::text when 'facility' then here.id::text when 'region' then here.region
                                    when 'component' then r.component when 'group' then r.blood_group
                                    when 'urgency' then r.urgency else '' end as "first!",
                      case $10::text when 'facility' then here.id::text when 'region' then here.region
                                    when 'component' then r.component when 'group' then r.blood_group
                                    when 'urgency' then r.urgency else '' end as "second!",
                      count(distinct r.id)::double precision as "value!", null::double precision as over "#
                + $text $(+ $more)*,
            $($value),+
        )
    };
}

/// One of the three above about what a filter means: the one condition behind every number and every list. Parameters 1
/// to 8 are the facilities' and the filter's, any others follow.
macro_rules! matching {
    ($select:ident, $facility:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        matching!($select; &[$facility.0][..], $filter, $rest $(, $more)*)
    };
    ($select:ident; $facilities:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        $select!(
            "from (
               select facility_id, id, null::text as mine, facility_id as here_id from blood_requests
               where facility_id = any ($1) and $2 <> 'incoming' and ($3 <> 'open' or status = 'open')
               union all
               select facility_id, request_id, status, to_facility_id from request_recipients
               where to_facility_id = any ($1) and $2 <> 'outgoing' and ($3 <> 'open' or status = 'open')
             ) seen
             join blood_requests r on r.facility_id = seen.facility_id and r.id = seen.id
             join facilities asker on asker.id = r.facility_id
             join facilities here on here.id = seen.here_id
             left join lateral (
               -- the limit makes it a look-up for each request: joined freely, all recipients of all requests are read
               select to_facility_id, accepted_quantity from request_recipients t
               where t.facility_id = r.facility_id and t.request_id = r.id and t.accepted_quantity is not null limit 1
             ) taker on true
             where case $3
                     when 'open' then r.status = 'open' and coalesce(seen.mine, 'open') = 'open'
                     when 'accepted' then r.status <> 'open' and r.closed_at is null
                                          and coalesce(seen.mine, 'accepted') = 'accepted'
                     when 'closed' then r.closed_at is not null or seen.mine in ('rejected', 'closed')
                     when 'fulfilled' then r.closed_at is not null and r.status = 'fulfilled'
                     when 'settled' then r.closed_at is not null and r.status <> 'cancelled'
                     else true end
               and (not $4 or r.urgency <> 'routine')
               and ($5::date is null or $3 in ('fulfilled', 'settled')
                    or (r.created_at >= day_start($5, here.time_zone)
                        and r.created_at < day_start(coalesce($8::date, $5) + 1, here.time_zone)))
               and ($5::date is null or $3 not in ('fulfilled', 'settled')
                    or (r.closed_at >= day_start($5, here.time_zone)
                        and r.closed_at < day_start(coalesce($8::date, $5) + 1, here.time_zone)))
               and ($6::text is null or r.blood_group = $6)
               and ($7::text is null or r.component = $7) "
                + $rest,
            $facilities,
            $filter.side.as_str(),
            $filter.state.as_str(),
            $filter.urgent,
            $filter.day,
            $filter.group.map(BloodGroup::as_str),
            $filter.component.map(Component::as_str),
            $filter.until
            $(, $more)*
        )
    };
}

/// Requests that the filter means.
pub async fn total(tx: &mut PgConnection, facility: FacilityId, filter: &Filter) -> Result<i64> {
    Ok(matching!(number, facility, filter, "").fetch_one(tx).await?)
}

/// Requests that the filter means in many facilities, split by facility, region, component, group or urgency; the days of
/// the cut do not matter.
pub async fn split(tx: &mut PgConnection, cut: &Cut, filter: &Filter) -> Result<Vec<Row>> {
    let filter = Filter {
        group: filter.group.or(cut.group),
        component: filter.component.or(cut.component),
        ..filter.clone()
    };
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

/// A page of the requests that the filter means: open ones in the order in which they press (urgency, needed by, age),
/// others newest first.
pub async fn turn(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &Filter,
    turn: Turn<RequestId>,
) -> Result<Turned<Request>> {
    let after = match turn {
        Turn::First => None,
        Turn::After(id) => Some(id),
        Turn::Before(id) => {
            let rows = matching!(
                requests,
                facility,
                filter,
                "and case when $9
                          then (array_position(array['emergency', 'urgent', 'routine'], r.urgency),
                                coalesce(r.needed_by, 'infinity'), r.created_at, r.id)
                               < (select array_position(array['emergency', 'urgent', 'routine'], l.urgency),
                                         coalesce(l.needed_by, 'infinity'), l.created_at, l.id
                                  from blood_requests l where l.id = $10)
                          else (r.created_at, r.id) > (select l.created_at, l.id from blood_requests l where l.id = $10) end
                 order by case when $9 then array_position(array['emergency', 'urgent', 'routine'], r.urgency) end desc,
                          case when $9 then coalesce(r.needed_by, 'infinity') end desc,
                          case when $9 then r.created_at end desc, case when $9 then r.id end desc,
                          r.created_at, r.id
                 limit $11",
                filter.in_queue_order(),
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
    let rows = page(tx, facility, filter, after, PAGE + 1).await?;
    Ok(Turned::forward(rows, PAGE, after.is_some()))
}

/// At most `limit` requests in that order, after this one.
pub async fn page(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &Filter,
    after: Option<RequestId>,
    limit: i64,
) -> Result<Vec<Request>> {
    let found = matching!(
        requests,
        facility,
        filter,
        "and ($10::bigint is null or case when $9
                then (array_position(array['emergency', 'urgent', 'routine'], r.urgency),
                      coalesce(r.needed_by, 'infinity'), r.created_at, r.id)
                     > (select array_position(array['emergency', 'urgent', 'routine'], l.urgency),
                               coalesce(l.needed_by, 'infinity'), l.created_at, l.id
                        from blood_requests l where l.id = $10)
                else (r.created_at, r.id) < (select l.created_at, l.id from blood_requests l where l.id = $10) end)
         order by case when $9 then array_position(array['emergency', 'urgent', 'routine'], r.urgency) end,
                  case when $9 then coalesce(r.needed_by, 'infinity') end,
                  case when $9 then r.created_at end, case when $9 then r.id end,
                  r.created_at desc, r.id desc
         limit $11",
        filter.in_queue_order(),
        after.map(|id| id.0),
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The requests that wait longest for this facility's answer, by urgency and then by when they are needed.
pub async fn queue(tx: &mut PgConnection, facility: FacilityId, limit: i64) -> Result<Vec<Request>> {
    page(tx, facility, &Filter::waiting(), None, limit).await
}

/// An urgent request that one of those it was put to has not answered.
#[derive(Clone, Debug)]
pub struct Unanswered {
    /// who is to answer
    pub asked: FacilityId,
    pub request: RequestId,
    /// name of who asks
    pub from: String,
    pub component: Component,
    pub group: BloodGroup,
    pub quantity: i32,
    pub urgency: Urgency,
}

/// Urgent requests that wait for the answer of some facilities: what [`Filter::waiting`] lists, but for routine ones.
pub async fn unanswered(tx: &mut PgConnection, facilities: &[FacilityId]) -> Result<Vec<Unanswered>> {
    let found = sqlx::query_as!(
        Unanswered,
        r#"select p.to_facility_id as "asked: FacilityId", r.id as "request: RequestId", f.name as "from",
                  r.component as "component: Component", r.blood_group as "group: BloodGroup", r.quantity,
                  r.urgency as "urgency: Urgency"
           from request_recipients p
           join blood_requests r on r.facility_id = p.facility_id and r.id = p.request_id
           join facilities f on f.id = r.facility_id
           where p.to_facility_id = any ($1) and p.status = 'open' and r.status = 'open' and r.urgency <> 'routine'
           order by r.id, p.to_facility_id"#,
        &numbers(facilities)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// One request that the facility raised or was asked; `NotFound` for any other.
pub async fn find(tx: &mut PgConnection, facility: FacilityId, id: RequestId) -> Result<Request> {
    let found = requests!(
        "from (
           select facility_id, id, null::text as mine from blood_requests where facility_id = $1 and id = $2
           union all
           select facility_id, request_id, status from request_recipients where to_facility_id = $1 and request_id = $2
         ) seen
         join blood_requests r on r.facility_id = seen.facility_id and r.id = seen.id
         join facilities asker on asker.id = r.facility_id
         left join lateral (
               -- the limit makes it a look-up for each request: joined freely, all recipients of all requests are read
               select to_facility_id, accepted_quantity from request_recipients t
               where t.facility_id = r.facility_id and t.request_id = r.id and t.accepted_quantity is not null limit 1
             ) taker on true",
        facility.0,
        id.0
    )
    .fetch_one(tx)
    .await?;
    Ok(found)
}

/// Whom a request was put to, as far as this transaction's scope sees them.
pub async fn recipients(tx: &mut PgConnection, request: &Request) -> Result<Vec<Recipient>> {
    let found = sqlx::query_as!(
        Recipient,
        r#"select p.to_facility_id as "facility: FacilityId", f.name, p.status as "status: RecipientStatus",
                  p.accepted_quantity as accepted, p.reason, p.decided_at
           from request_recipients p join facilities f on f.id = p.to_facility_id
           where p.facility_id = $1 and p.request_id = $2 order by f.name"#,
        request.facility.0,
        request.id.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The timeline, oldest first. Who asked sees all of it; a recipient sees what it and the asker did, and who accepted.
pub async fn steps(tx: &mut PgConnection, facility: FacilityId, request: &Request) -> Result<Vec<Step>> {
    let found = sqlx::query_as!(
        Step,
        r#"select e.at, e.by_facility_id as "by: FacilityId", f.name as by_name,
                  case when e.by_facility_id = $1 then e.actor_name end as actor, e.step as "kind: StepKind", e.reason
           from request_events e join facilities f on f.id = e.by_facility_id
           where e.facility_id = $2 and e.request_id = $3
             and ($1 = $2 or e.by_facility_id in ($1, $2) or e.step = 'accepted')
           order by e.id"#,
        facility.0,
        request.facility.0,
        request.id.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The distributions that carry units for a request, oldest first.
pub async fn deliveries(tx: &mut PgConnection, request: RequestId) -> Result<Vec<Delivery>> {
    let found = sqlx::query_as!(
        Delivery,
        "select id, sent, quantity, dispatched_at, date_delivered as delivered_at
         from blood_distributions where request_id = $1 order by id",
        request.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// Units that were promised for a request and have neither arrived nor are on their way.
pub async fn outstanding(tx: &mut PgConnection, request: &Request) -> Result<i32> {
    let under_way = sqlx::query_scalar!(
        r#"select coalesce(sum(sent), 0)::integer as "units!" from blood_distributions
           where request_id = $1 and status = 'in_transit'"#,
        request.id.0
    )
    .fetch_one(tx)
    .await?;
    Ok((request.accepted.unwrap_or(0) - request.fulfilled - under_way).max(0))
}

/// Requests of the facility that were fulfilled on each of these local days (both included); a day without any is not
/// in the map.
pub async fn fulfilled_by_day(
    tx: &mut PgConnection,
    facility: FacilityId,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<BTreeMap<NaiveDate, i64>> {
    let rows = figures::fulfilled(tx, &Cut::by_day(facility, first, last)).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.first.parse().ok()?, row.value as i64)))
        .collect())
}

/// Every other active facility with its distance in kilometres, the nearest first: whom one can ask.
pub async fn neighbours(db: &PgPool, facility: FacilityId) -> Result<Vec<(f64, Facility)>> {
    let here = facilities::find(db, facility).await?;
    let mut others: Vec<(f64, Facility)> = facilities::directory(db)
        .await?
        .into_iter()
        .filter(|other| other.id != facility)
        .map(|other| (facilities::kilometres(&here, &other), other))
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(others)
}
