//! How the pages are for one person: in which zone and form times are written, where they start, how pages follow what
//! happens, which mails they want.

mod commands;
mod routes;

pub(super) use routes::routes;
