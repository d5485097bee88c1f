//! Who did what, from where, and what it was before and after: one row for each change, written in the change's own
//! transaction and never altered. The activity feed of a board is read from the same rows.
//!
//! **The chain.** Each row holds `SHA-256(hash of the row before it || all its columns)`. One chain over everything would
//! make all writers wait for each other, so there is one for each facility, whose writers wait for each other anyway
//! (the transaction of a change holds its facility), and one for what concerns the whole installation: people, keys, log-ins.
//! A trigger of the database sets number and hash under the lock of the chain's head, so no writer can forge or forget
//! them, and the program's role may not touch a row or a head afterwards. It costs some 60 us a row.
//!
//! What follows from that: numbers are given under the lock and vanish with a rollback, so a chain has no gaps and a gap is
//! a removed row; concurrent writers are in the order of their commits; the head is kept apart, so rows missing at the end
//! are found. Whoever writes rows of several chains in one transaction writes facilities in the order of their ids and the
//! installation last, as locks are taken. The owner of the database could rewrite a row, all rows after it and the head:
//! that is found by the [`Seal`], one hash over all heads, which `pulseboard verify` prints and the nightly run logs, so
//! that copies of it lie outside the database.

mod actor;
mod entry;
mod feed;
mod history;
mod search;
mod verify;

pub use actor::{Actor, ClientAddress, Origin, Via};
pub use entry::{Entry, record};
pub use feed::{Happened, latest, latest_of};
pub use history::{Edit, history};
pub use search::{Filter, Line, page, seen};
pub use verify::{Broken, Seal, seal, verify};
