//! Recomputing everything from source rows and saying what differs. One snapshot, so work that goes on meanwhile is
//! either wholly in it or not at all.

use sqlx::PgConnection;

use crate::audit;
use crate::blood::unit_state::{UnitStatus, can_move};
use crate::db::{Db, Scope};
use crate::error::Result;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// which rule: `summary`, `closed`, `shelves`, `stock`, `transitions`, `deliveries`, `requests`, `reservations`, `audit`
    pub check: &'static str,
    pub facility_id: i64,
    /// the thing: a day, a unit, a request
    pub thing: String,
    pub expected: String,
    pub found: String,
}

/// All differences over all facilities; empty when everything agrees.
pub async fn verify(db: &Db) -> Result<Vec<Difference>> {
    let mut tx = db.read_in_background(&Scope::All).await?;
    // a year of a thousand facilities takes longer than anything that somebody waits for
    sqlx::query!("set local statement_timeout = '30min'")
        .execute(&mut *tx)
        .await?;
    let mut found = summaries(&mut tx).await?;
    found.extend(closed_days(&mut tx).await?);
    found.extend(shelves(&mut tx).await?);
    found.extend(stock(&mut tx).await?);
    found.extend(transitions(&mut tx).await?);
    found.extend(deliveries(&mut tx).await?);
    found.extend(requests(&mut tx).await?);
    let broken = audit::verify(&mut tx).await?;
    found.extend(broken.into_iter().map(|broken| Difference {
        check: "audit",
        facility_id: broken.chain,
        thing: format!("row {} of the log", broken.seq),
        expected: broken.expected,
        found: broken.found,
    }));
    Ok(found)
}

/// Every kept day against its source rows. Today's stock is compared as of its refresh: what expired since is still in it.
async fn summaries(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"with compared as (
             select s.facility_id, s.date, s.total_stock, s.total_transferred, s.total_requests,
                    f.total_stock + (
                        select coalesce(sum(i.quantity), 0) from blood_inventory i
                        where i.facility_id = s.facility_id and i.status = 'available'
                          and i.expires_at > s.updated_at and i.expires_at <= clock_now()
                    ) as stock,
                    f.total_transferred as transferred, f.total_requests as requests
             from dashboard_daily_summary s
             cross join lateral daily_figures(array[s.facility_id], s.date) f
         )
         select facility_id, date, total_stock, total_transferred, total_requests,
                stock::bigint as stock, transferred, requests
         from compared
         where total_stock <> coalesce(stock, total_stock)
            or total_transferred <> transferred or total_requests <> requests
         order by facility_id, date"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "summary",
            facility_id: row.facility_id,
            thing: row.date.to_string(),
            expected: format!(
                "stock {}, transferred {}, requests {}",
                row.stock.map_or("as kept".into(), |stock| stock.to_string()),
                row.transferred.unwrap_or_default(),
                row.requests.unwrap_or_default()
            ),
            found: format!(
                "stock {}, transferred {}, requests {}",
                row.total_stock, row.total_transferred, row.total_requests
            ),
        })
        .collect())
}

/// Every sum of a closed day, and of a week of them, against what its rows come to now. A reopened day is not in use.
async fn closed_days(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"with days as (
             select day from closed_days c where not exists (select from reopened_days r where r.day = c.day)
           ), weeks as (
             select w.week from (select distinct week from facility_weeks) w
             where not exists (select from reopened_days r where r.day between w.week and w.week + 6)
           ), compared as (
             select s.day, null::bigint as facility_id, s.area, s.measure, s.grain, s.component, s.blood_group, s.detail,
                    s.hour, s.value, s.over, 1 as sign
             from area_sums s join days using (day)
             union all
             select d.day, null, s.area, s.measure, s.grain, s.component, s.blood_group, s.detail, s.hour, s.value, s.over, -1
             from days d cross join lateral area_sums_of(d.day) s
             union all
             select s.week, s.facility_id, null, s.measure, null, null, null, null, null, s.value, s.over, 1
             from facility_weeks s join weeks using (week)
             union all
             select w.week, s.facility_id, null, s.measure, null, null, null, null, null, s.value, s.over, -1
             from weeks w cross join lateral facility_weeks_of(w.week) s
           )
           select day as "day!", facility_id, area, measure as "measure!", component, blood_group,
                  sum(value) filter (where sign = -1)::bigint as expected,
                  sum(value) filter (where sign = 1)::bigint as found
           from compared
           group by day, facility_id, area, measure, grain, component, blood_group, detail, hour
           having coalesce(sum(sign * value), 0) <> 0 or coalesce(sum(sign * over), 0) <> 0
           order by 1, 2, 3, 4"#
    )
    .fetch_all(tx)
    .await?;
    let of = |text: Option<String>| {
        text.filter(|text| text != "*")
            .map_or_else(String::new, |text| format!(" {text}"))
    };
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "closed",
            facility_id: row.facility_id.unwrap_or_default(),
            thing: format!(
                "{} of {}{}{}{}",
                row.measure,
                row.day,
                of(row.area),
                of(row.component),
                of(row.blood_group)
            ),
            expected: row.expected.unwrap_or_default().to_string(),
            found: row.found.unwrap_or_default().to_string(),
        })
        .collect())
}

/// What is kept of each shelf against the rows that stand on it, and so what is issuable there at this moment.
async fn shelves(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"with compared as (
             select facility_id, status, component, blood_group, units, 0 as counted from shelf_stock
             union all
             select facility_id, status, component, blood_group, 0, quantity from blood_inventory
             where status in ('quarantined', 'available', 'reserved')
             union all
             select facility_id, 'issuable', component, blood_group, units, 0 from issuable_shelves
             union all
             select facility_id, 'issuable', component, blood_group, 0, quantity from blood_inventory
             where status = 'available' and expires_at > clock_now()
           )
           select facility_id as "facility_id!", status as "status!", component as "component!",
                  blood_group as "blood_group!", sum(units)::bigint as "found!", sum(counted)::bigint as "expected!"
           from compared group by 1, 2, 3, 4 having sum(units) <> sum(counted) order by 1, 2, 3, 4"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "shelves",
            facility_id: row.facility_id,
            thing: format!("{} {} {}", row.status, row.component, row.blood_group),
            expected: row.expected.to_string(),
            found: row.found.to_string(),
        })
        .collect())
}

/// For each row of stock, the movements into a status less those out of it are its quantity there, and nothing elsewhere.
async fn stock(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"with moved as (
             select facility_id, inventory_id, to_status as status, quantity from inventory_movements where to_status is not null
             union all
             select facility_id, inventory_id, from_status, -quantity from inventory_movements where from_status is not null
             union all
             select facility_id, id, status, -quantity from blood_inventory
         )
         select facility_id as "facility_id!", inventory_id as "inventory_id!", status as "status!", sum(quantity) as "off!"
         from moved group by facility_id, inventory_id, status having sum(quantity) <> 0
         order by 1, 2"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "stock",
            facility_id: row.facility_id,
            thing: format!("unit {} ({})", row.inventory_id, row.status),
            expected: "sum of movements = quantity".into(),
            found: format!("movements are off by {}", row.off),
        })
        .collect())
}

/// Every movement that ever happened was one that the rules allow.
async fn transitions(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"select facility_id, from_status as "from: UnitStatus", to_status as "to: UnitStatus", count(*) as "times!",
                  min(inventory_id) as "unit!"
           from inventory_movements where kind <> 'split'
           group by facility_id, from_status, to_status"#
    )
    .fetch_all(tx)
    .await?;
    let word = |status: Option<UnitStatus>| status.map_or("nothing", UnitStatus::as_str);
    Ok(rows
        .into_iter()
        .filter(|row| !can_move(row.from, row.to))
        .map(|row| Difference {
            check: "transitions",
            facility_id: row.facility_id,
            thing: format!("unit {}", row.unit),
            expected: "a movement that the rules allow".into(),
            found: format!("{} -> {}, {} times", word(row.from), word(row.to), row.times),
        })
        .collect())
}

/// A delivered distribution is worth the units that arrived, and each of them stands on the receiver's books.
async fn deliveries(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"select d.facility_id, d.id, d.quantity, d.sent,
                  coalesce(sum(u.quantity), 0) as "carried!",
                  coalesce(sum(u.quantity) filter (where u.outcome in ('received', 'damaged')), 0) as "arrived!",
                  count(*) filter (where u.outcome in ('received', 'damaged') and u.received_id is null) as "unbooked!"
           from blood_distributions d
           left join distribution_units u on u.facility_id = d.facility_id and u.distribution_id = d.id
           group by d.facility_id, d.id
           having d.sent <> coalesce(sum(u.quantity), 0)
               or (d.status <> 'in_transit' and d.quantity <> coalesce(sum(u.quantity) filter (where u.outcome in ('received', 'damaged')), 0))
               or count(*) filter (where u.outcome in ('received', 'damaged') and u.received_id is null) > 0
           order by d.facility_id, d.id"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "deliveries",
            facility_id: row.facility_id,
            thing: format!("distribution {}", row.id),
            expected: format!("{} sent, {} arrived, all booked", row.carried, row.arrived),
            found: format!(
                "{} sent, {} arrived, {} not booked",
                row.sent, row.quantity, row.unbooked
            ),
        })
        .collect())
}

/// A request counts the usable units that were delivered for it (neither damaged nor expired on the way), and is
/// fulfilled exactly when that is enough.
async fn requests(tx: &mut PgConnection) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"with delivered as (
             select r.facility_id, r.id, r.fulfilled, r.quantity, r.status, coalesce(sum(u.quantity), 0) as delivered
             from blood_requests r
             left join blood_distributions d on d.request_id = r.id and d.dispatched_to_id = r.facility_id
                  and d.status <> 'in_transit'
             left join distribution_units u on u.facility_id = d.facility_id and u.distribution_id = d.id
                  and u.outcome = 'received' and u.expires_at > d.date_delivered
             group by r.facility_id, r.id
         )
         select facility_id as "facility_id!", id as "id!", fulfilled as "fulfilled!", delivered as "delivered!", status as "status!"
         from delivered
         where fulfilled <> delivered or (status = 'fulfilled' and fulfilled < quantity)
         order by 1, 2"#
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Difference {
            check: "requests",
            facility_id: row.facility_id,
            thing: format!("request {} ({})", row.id, row.status),
            expected: format!("{} delivered", row.delivered),
            found: format!("{} counted", row.fulfilled),
        })
        .collect())
}
