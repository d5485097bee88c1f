//! The daily summary of each facility: three numbers, one definition, four ways to refresh it (schedule, button, page,
//! write), and [`Work`], the transaction in which everything that changes a facility happens.

mod closed;
mod figures;
mod jobs;
mod queries;
mod refresh;
mod verify;
mod work;

pub use closed::{counted, kept, known_days};
pub use figures::{Figure, Refreshed, age, latest_stock, refreshed};
pub use jobs::refresh_all;
pub use queries::{Day, days, last_kept};
pub use refresh::{Figures, Trigger, close_days, lock, newest, recount, refresh, refresh_if_older, refresh_now, today};
pub use verify::{Difference, verify};
pub use work::Work;
