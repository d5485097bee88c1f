//! Figures of stock over many facilities: levels of this moment by the filter of the list, movements by day.

use sqlx::PgConnection;

use crate::error::Result;
use crate::figures::{Cut, Row, figures};
use crate::text_enum::text_enum;

text_enum! {
    /// A movement that is counted.
    pub enum Flow {
        /// into the books from outside the network; transfers are counted as deliveries
        Received = "received" / "Units received",
        Issued = "issued" / "Units issued",
        Discarded = "discarded" / "Units discarded",
        Expired = "expired" / "Units expired",
    }
}

/// Units that moved, on the local days of their facilities. Of a reason that has a note only the reason is told apart.
pub async fn moved(tx: &mut PgConnection, cut: &Cut, flow: Flow) -> Result<Vec<Row>> {
    let found = figures!(
        "sum(x.amount)",
        "null",
        "select m.facility_id, f.region, f.time_zone, m.at, local_day(m.at, f.time_zone) as day, m.component,
                m.blood_group, null::text as urgency, split_part(m.reason, ':', 1) as reason, m.quantity as amount
         from here f
         join inventory_movements m on m.facility_id = f.id and m.at >= f.starts and m.at < f.ends
         where m.kind = $8",
        cut,
        flow.as_str()
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
