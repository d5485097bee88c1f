//! Whether the chains are whole: every row recomputed and compared with its hash, its neighbours and its chain's head.

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::error::Result;

/// A place where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// the facility, 0 for the installation's own chain
    pub chain: i64,
    /// number of the row within its chain
    pub seq: i64,
    pub expected: String,
    pub found: String,
}

/// All chains in one value: the SHA-256 of the hexadecimal hashes of all heads, in the order of their chains. Equal seals
/// mean equal logs; one that is kept elsewhere proves that nothing before it was rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub rows: i64,
    pub chains: i64,
    pub hash: String,
}

/// Every break, of rows the first thousand at most. The transaction must see all facilities.
pub async fn verify(tx: &mut PgConnection) -> Result<Vec<Broken>> {
    let mut broken = rows(tx).await?;
    broken.extend(heads(tx).await?);
    Ok(broken)
}

/// A changed row does not have its hash; a removed, inserted or moved one breaks the count or the hash of the next.
async fn rows(tx: &mut PgConnection) -> Result<Vec<Broken>> {
    let rows = sqlx::query!(
        r#"select chain as "chain!", seq as "seq!", previous as "previous!", whole as "whole!" from (
             select chain, seq, coalesce(lag(seq) over w, 0) as previous,
                    hash = audit_hash(coalesce(lag(hash) over w, ''), entry) and chain = coalesce(facility_id, 0) as whole
             from audit_log entry window w as (partition by chain order by seq, id)
           ) checked
           where seq <> previous + 1 or not whole
           order by chain, seq limit 1000"#
    )
    .fetch_all(tx)
    .await?;
    let broken = rows.into_iter().map(|row| {
        let (expected, found) = if row.seq == row.previous + 1 {
            (
                "the hash of what it says".into(),
                "another hash: the row was changed or moved".into(),
            )
        } else if row.seq <= row.previous {
            (
                "each number once".into(),
                format!("number {} again: a row was added", row.seq),
            )
        } else {
            let missing = row.seq - row.previous - 1;
            (
                format!("row {} before it", row.seq - 1),
                format!("row {}: {missing} removed", row.previous),
            )
        };
        Broken {
            chain: row.chain,
            seq: row.seq,
            expected,
            found,
        }
    });
    Ok(broken.collect())
}

/// The last row of a chain is what its head says, and there is no chain without a head.
async fn heads(tx: &mut PgConnection) -> Result<Vec<Broken>> {
    let rows = sqlx::query!(
        r#"with ends as (select distinct on (chain) chain, seq, hash from audit_log order by chain, seq desc)
           select coalesce(h.chain, e.chain) as "chain!", coalesce(h.seq, 0) as "kept!", coalesce(e.seq, 0) as "found!"
           from audit_heads h full join ends e on e.chain = h.chain
           where h.seq is distinct from e.seq or h.hash is distinct from e.hash
           order by 1"#
    )
    .fetch_all(tx)
    .await?;
    let broken = rows.into_iter().map(|row| Broken {
        chain: row.chain,
        seq: row.found,
        expected: format!("{} rows, as the head of the chain says", row.kept),
        found: format!("the chain ends at row {}", row.found),
    });
    Ok(broken.collect())
}

/// The seal over all heads.
pub async fn seal(tx: &mut PgConnection) -> Result<Seal> {
    let heads = sqlx::query!("select chain, seq, hash from audit_heads order by chain")
        .fetch_all(tx)
        .await?;
    let mut digest = Sha256::new();
    for head in &heads {
        digest.update(format!("{} {} {}\n", head.chain, head.seq, hex(&head.hash)));
    }
    Ok(Seal {
        rows: heads.iter().map(|head| head.seq).sum(),
        chains: heads.len() as i64,
        hash: hex(&digest.finalize()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
