//! Questions about stock. Each takes a transaction whose scope covers the facility it asks about.

mod levels;

pub use levels::{levels, levels_of};

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Cursor, Filter, Movement, Thresholds, Unit};
use crate::blood::{BloodGroup, Component, ComponentLife, DonationNumber, MovementKind, UnitStatus};
use crate::error::Result;
use crate::figures::{Cut, Row};
use crate::ids::{DistributionId, FacilityId, RequestId, UnitId};
use crate::web::{Turn, Turned};

/// Rows on a page of the list.
pub const PAGE: i64 = 50;
/// Hours that a filter looks ahead at most, a hundred years: beyond that there is no time to compute with.
const LONGEST_SPAN: u32 = 876_000;

/// A checked query for whole rows: its text after the list of columns, then its parameters.
macro_rules! units {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            $crate::inventory::Unit,
            r#"select id as "id: UnitId", blood_bank_id as blood_bank, component as "component: Component",
                      blood_group as "group: BloodGroup", quantity, donation_number as "donation_number: DonationNumber",
                      lot, collected_at, expires_at, status as "status: UnitStatus", unsafe as is_unsafe,
                      reserved_for as "reserved_for: RequestId", reserved_until, received_at "#
                + $text $(+ $more)*,
            $($value),+
        )
    };
}
pub(super) use units;

/// Their figures instead of the rows.
macro_rules! figures {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Total,
            r#"select coalesce(sum(quantity), 0) as "units!", count(*) as "rows!" "# + $text $(+ $more)*,
            $($value),+
        )
    };
}

/// Their units over many facilities, split by up to two dimensions (parameters 9 and 10).
macro_rules! parts {
    ($text:literal $(+ $more:literal)*, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select case $9::text when 'facility' then f.id::text when 'region' then f.region
                                    when 'component' then x.component when 'group' then x.blood_group
                                    else '' end as "first!",
                      case $10::text when 'facility' then f.id::text when 'region' then f.region
                                     when 'component' then x.component when 'group' then x.blood_group
                                     else '' end as "second!",
                      sum(x.quantity)::double precision as "value!", null::double precision as over
               from (select facility_id, component, blood_group, quantity "#
                + $text $(+ $more)*
                + ") x join facilities f on f.id = x.facility_id group by 1, 2",
            $($value),+
        )
    };
}

/// One of the three above about what a filter means: the one condition behind every number and every list. `$whose`
/// compares `facility_id` with parameter 1; 2 to 8 are the filter's, any others follow.
macro_rules! matching {
    ($select:ident, $facility:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        matching!($select, "facility_id = $1", $facility.0, $filter, $rest $(, $more)*)
    };
    ($select:ident, $whose:literal, $facilities:expr, $filter:expr, $rest:literal $(, $more:expr)*) => {
        $select!(
            "from blood_inventory where " + $whose + "
               and ($2::text is null or component = $2)
               and ($3::text is null or blood_group = $3)
               and case when $4::text is not null then status = $4
                        else $7 <> '' or status in ('quarantined', 'available', 'reserved', 'expired') end
               and (not $5 or (status = 'available' and expires_at > clock_now()))
               and ($6::bigint is null
                    or (expires_at > clock_now() and expires_at <= clock_now() + $6 * interval '1 hour'))
               and ($7 = '' or starts_with(donation_number, $8) or strpos(lower(lot), lower($7)) > 0)
               and quantity > 0 "
                + $rest,
            $facilities,
            $filter.component.map(Component::as_str),
            $filter.group.map(BloodGroup::as_str),
            $filter.status.map(UnitStatus::as_str),
            $filter.issuable,
            $filter.expiring_hours.map(|hours| i64::from(hours.min(LONGEST_SPAN))),
            $filter.search.trim(),
            $filter.number_prefix()
            $(, $more)*
        )
    };
}

/// What a filter means, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// sum of quantities
    pub units: i64,
    pub rows: i64,
}

/// Units that the filter means.
pub async fn total(tx: &mut PgConnection, facility: FacilityId, filter: &Filter) -> Result<i64> {
    Ok(totals(tx, facility, filter).await?.units)
}

/// Units and rows that the filter means.
pub async fn totals(tx: &mut PgConnection, facility: FacilityId, filter: &Filter) -> Result<Total> {
    Ok(matching!(figures, facility, filter, "").fetch_one(tx).await?)
}

/// Units that the filter means in many facilities, split by facility, region, component or group; the days of the cut do
/// not matter, for a level is one of this moment.
pub async fn split(tx: &mut PgConnection, cut: &Cut, filter: &Filter) -> Result<Vec<Row>> {
    let filter = Filter {
        group: filter.group.or(cut.group),
        component: filter.component.or(cut.component),
        ..filter.clone()
    };
    if let Some(found) = on_shelves(tx, cut, &filter).await? {
        return Ok(found);
    }
    let found = matching!(
        parts,
        "facility_id = any ($1)",
        &cut.facilities,
        filter,
        "",
        cut.dimension(0),
        cut.dimension(1)
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The same from what is kept of each shelf, for filters that mean all of one status there or all that is issuable.
async fn on_shelves(tx: &mut PgConnection, cut: &Cut, filter: &Filter) -> Result<Option<Vec<Row>>> {
    let kept = [UnitStatus::Quarantined, UnitStatus::Available, UnitStatus::Reserved];
    let status = filter.status.filter(|status| kept.contains(status));
    let plain = filter.expiring_hours.is_none() && filter.search.trim().is_empty();
    if !plain || filter.issuable == status.is_some() {
        return Ok(None);
    }
    let found = sqlx::query_as!(
        Row,
        r#"select case $5::text when 'facility' then f.id::text when 'region' then f.region
                                when 'component' then x.component when 'group' then x.blood_group
                                else '' end as "first!",
                  case $6::text when 'facility' then f.id::text when 'region' then f.region
                                when 'component' then x.component when 'group' then x.blood_group
                                else '' end as "second!",
                  sum(x.units)::double precision as "value!", null::double precision as over
           from (
             select facility_id, component, blood_group, units from issuable_shelves where $2::text is null
             union all
             select facility_id, component, blood_group, units from shelf_stock where status = $2
           ) x
           join facilities f on f.id = x.facility_id
           where x.facility_id = any ($1) and ($3::text is null or x.component = $3)
             and ($4::text is null or x.blood_group = $4)
           group by 1, 2 having sum(x.units) <> 0"#,
        &cut.facilities,
        status.map(UnitStatus::as_str),
        filter.component.map(Component::as_str),
        filter.group.map(BloodGroup::as_str),
        cut.dimension(0),
        cut.dimension(1)
    )
    .fetch_all(tx)
    .await?;
    Ok(Some(found))
}

/// A page of the rows that the filter means, the first to expire first.
pub async fn turn(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &Filter,
    turn: Turn<Cursor>,
) -> Result<Turned<Unit>> {
    let after = match turn {
        Turn::First => None,
        Turn::After(cursor) => Some(cursor),
        Turn::Before(cursor) => {
            let rows = matching!(
                units,
                facility,
                filter,
                "and (expires_at, id) < ($9, $10) order by expires_at desc, id desc limit $11",
                cursor.expires_at,
                cursor.id.0,
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
    Ok(Turned::forward(
        page(tx, facility, filter, after).await?,
        PAGE,
        after.is_some(),
    ))
}

/// Rows that the filter means, the first to expire first, after the cursor: at most [`PAGE`], and one that says whether
/// the list goes on.
pub async fn page(
    tx: &mut PgConnection,
    facility: FacilityId,
    filter: &Filter,
    after: Option<Cursor>,
) -> Result<Vec<Unit>> {
    let found = matching!(
        units,
        facility,
        filter,
        "and ($9::timestamptz is null or (expires_at, id) > ($9, $10::bigint)) order by expires_at, id limit $11",
        after.map(|cursor| cursor.expires_at),
        after.map_or(0, |cursor| cursor.id.0),
        PAGE + 1
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// One row of stock; `NotFound` when it is not this facility's.
pub async fn unit(tx: &mut PgConnection, facility: FacilityId, id: UnitId) -> Result<Unit> {
    let found = units!(
        "from blood_inventory where facility_id = $1 and id = $2",
        facility.0,
        id.0
    );
    Ok(found.fetch_one(tx).await?)
}

/// A unit that nobody else can change until this transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    pub unit: Unit,
    /// by the database's clock
    pub expired: bool,
}

/// Locks a row of stock; `NotFound` when it is not this facility's. Whoever changes stock holds the facility already
/// (`summary::Work`), so nobody waits here and the time is the one after the wait.
pub async fn lock(tx: &mut PgConnection, facility: FacilityId, id: UnitId) -> Result<Locked> {
    let row = sqlx::query!(
        r#"select blood_bank_id, component as "component: Component", blood_group as "group: BloodGroup", quantity,
                  donation_number as "donation_number: DonationNumber", lot, collected_at, expires_at,
                  status as "status: UnitStatus", unsafe as is_unsafe, reserved_for as "reserved_for: RequestId",
                  reserved_until, received_at, expires_at <= clock_now() as "expired!"
           from blood_inventory where facility_id = $1 and id = $2 for update"#,
        facility.0,
        id.0
    )
    .fetch_one(tx)
    .await?;
    let unit = Unit {
        id,
        blood_bank: row.blood_bank_id,
        component: row.component,
        group: row.group,
        quantity: row.quantity,
        donation_number: row.donation_number,
        lot: row.lot,
        collected_at: row.collected_at,
        expires_at: row.expires_at,
        status: row.status,
        is_unsafe: row.is_unsafe,
        reserved_for: row.reserved_for,
        reserved_until: row.reserved_until,
        received_at: row.received_at,
    };
    Ok(Locked {
        unit,
        expired: row.expired,
    })
}

/// Everything that happened to a row, oldest first.
pub async fn movements_of(tx: &mut PgConnection, facility: FacilityId, unit: UnitId) -> Result<Vec<Movement>> {
    let found = sqlx::query_as!(
        Movement,
        r#"select id, at, actor_name, kind as "kind: MovementKind", from_status as "from: UnitStatus",
                  to_status as "to: UnitStatus", quantity, reason, temperature_celsius as temperature,
                  request_id as "request: RequestId", distribution_id as "distribution: DistributionId"
           from inventory_movements where facility_id = $1 and inventory_id = $2 order by id"#,
        facility.0,
        unit.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// The test that made a unit unsafe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositiveTest {
    pub at: DateTime<Utc>,
    pub actor_name: String,
    pub reason: String,
}

/// The record of a positive test. It changes what a unit is and not always where it stands, so it is in the audit log
/// rather than among the movements.
pub async fn positive_test_of(
    tx: &mut PgConnection,
    facility: FacilityId,
    unit: UnitId,
) -> Result<Option<PositiveTest>> {
    let found = sqlx::query_as!(
        PositiveTest,
        r#"select at, actor_name, coalesce(detail ->> 'reason', '') as "reason!" from audit_log
           where facility_id = $1 and thing = 'unit' and thing_id = $2 and action = 'marked unsafe'
           order by id limit 1"#,
        facility.0,
        unit.0
    )
    .fetch_optional(tx)
    .await?;
    Ok(found)
}

/// All components of a donation that the facility has or had.
pub async fn by_donation_number(
    tx: &mut PgConnection,
    facility: FacilityId,
    number: &DonationNumber,
) -> Result<Vec<Unit>> {
    let found = units!(
        "from blood_inventory where facility_id = $1 and donation_number = $2 order by id",
        facility.0,
        number.as_str()
    );
    Ok(found.fetch_all(tx).await?)
}

/// Components of a donation wherever they are now, as far as the transaction sees.
pub async fn everywhere(tx: &mut PgConnection, number: &DonationNumber) -> Result<Vec<(FacilityId, Unit)>> {
    let facilities = sqlx::query_scalar!(
        r#"select distinct facility_id as "facility_id: FacilityId" from blood_inventory
           where donation_number = $1 and status <> 'transferred'"#,
        number.as_str()
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut found = Vec::new();
    for facility in facilities {
        let units = by_donation_number(tx, facility, number).await?;
        found.extend(units.into_iter().map(|unit| (facility, unit)));
    }
    Ok(found)
}

/// What is on the facility's books under any of these donation numbers.
pub async fn held(tx: &mut PgConnection, facility: FacilityId, numbers: &[DonationNumber]) -> Result<Vec<Unit>> {
    let numbers: Vec<&str> = numbers.iter().map(|number| number.as_str()).collect();
    let found = units!(
        "from blood_inventory where facility_id = $1 and donation_number = any ($2) and status <> 'transferred'",
        facility.0,
        &numbers as &[&str]
    );
    Ok(found.fetch_all(tx).await?)
}

/// The levels that are set, by shelf.
pub async fn thresholds(
    tx: &mut PgConnection,
    facility: FacilityId,
) -> Result<BTreeMap<(Component, BloodGroup), Thresholds>> {
    let rows = sqlx::query!(
        r#"select component as "component: Component", blood_group as "group: BloodGroup", minimum, reorder, target
           from stock_thresholds where facility_id = $1"#,
        facility.0
    )
    .fetch_all(tx)
    .await?;
    let shelf = |minimum, reorder, target| Thresholds {
        minimum,
        reorder,
        target,
    };
    Ok(rows
        .into_iter()
        .map(|row| ((row.component, row.group), shelf(row.minimum, row.reorder, row.target)))
        .collect())
}

/// A blood bank of a facility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BloodBank {
    pub id: i64,
    pub name: String,
}

/// The blood banks of a facility, the oldest first.
pub async fn blood_banks(tx: &mut PgConnection, facility: FacilityId) -> Result<Vec<BloodBank>> {
    let found = sqlx::query_as!(
        BloodBank,
        "select id, name from blood_banks where facility_id = $1 order by id",
        facility.0
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}

/// How long the network lets each component live.
pub async fn lives(tx: &mut PgConnection) -> Result<Vec<(Component, ComponentLife)>> {
    let rows = sqlx::query!(
        r#"select component as "component: Component", life_days, life_hours from component_lives order by component"#
    )
    .fetch_all(tx)
    .await?;
    let units = |count: i32| u16::try_from(count).unwrap_or(u16::MAX);
    Ok(rows
        .into_iter()
        .filter_map(|row| match (row.life_days, row.life_hours) {
            (Some(days), _) => Some((row.component, ComponentLife::Days(units(days)))),
            (None, Some(hours)) => Some((row.component, ComponentLife::Hours(units(hours)))),
            (None, None) => None,
        })
        .collect())
}
