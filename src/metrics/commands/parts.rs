//! Days are made ahead and removed when they are older than what is kept.

use chrono::{Days, NaiveDate};

use crate::db::{Db, Scope};
use crate::error::Result;

/// Days that are made before they come.
const AHEAD: u64 = 3;
const TABLES: [&str; 2] = ["events", "points"];

/// Makes yesterday, today and the next days, where they are missing.
pub async fn make_ahead(db: &Db) -> Result<()> {
    let today = db.clock.now().date_naive();
    let first = today - Days::new(1);
    let wanted: Vec<NaiveDate> = first.iter_days().take(AHEAD as usize + 2).collect();
    let mut tx = db.write_in_background(&Scope::All).await?;
    // one look is cheaper than asking for each: nearly always all are there
    let missing = sqlx::query!(
        r#"select t.name as "name!", d.day as "day!" from unnest($1::text[]) t(name) cross join unnest($2::date[]) d(day)
           where not exists (select from parts.days p where p.of_table = t.name and p.day = d.day) order by 2, 1"#,
        &TABLES.map(String::from)[..],
        &wanted
    )
    .fetch_all(&mut *tx)
    .await?;
    for part in missing {
        sqlx::query_scalar!("select make_day($1, $2)", part.name, part.day)
            .fetch_one(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Points are kept for 35 days or by their catalog's word, the sums of minutes for 90 and those of hours for 800; those of days for ever.
pub async fn keep(db: &Db) -> Result<()> {
    make_ahead(db).await?;
    let mut tx = db.write_in_background(&Scope::All).await?;
    sqlx::query!(
        "select drop_days('points', (select (clock_now() - greatest(max(points_kept), interval '35 days'))::date
                                     from metric_definitions)) as gone"
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from points p using series s join metric_definitions m on m.id = s.metric_id
         where s.id = p.series_id and s.facility_id = p.facility_id
           and p.minute < clock_now() - m.points_kept and p.received_at < clock_now() - m.points_kept"
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from rollups
         where (step = 'minute' and greatest(start, updated_at) < clock_now() - interval '90 days')
            or (step = 'hour' and greatest(start, updated_at) < clock_now() - interval '800 days')"
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
