//! Everything that is tested through the router and a real Postgres, in one binary. Tests are sentences; `support` has
//! what they stand on.

mod access;
mod architecture;
mod boards;
mod browser;
mod concurrency;
mod database;
mod distributions;
mod explain;
mod faults;
mod harness;
mod jobs;
mod journey;
mod live;
mod log_in;
mod mistakes;
mod network;
mod numbers;
mod pages;
mod partly;
mod places;
mod properties;
mod reference;
mod requests;
mod search;
mod sessions;
mod somebody;
mod stock;
mod stock_input;
mod support;
mod time;
mod widgets;
