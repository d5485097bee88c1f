//! Pulseboard: live dashboards for people who run things together. This list of modules is the map of the house;
//! ARCHITECTURE.md says how data flows through it.

// the macros around every text come before whatever says something
#[macro_use]
pub mod words;

// how it starts
pub mod app;
pub mod boot;
pub mod cli;
mod reactions;

// kernel: no product knowledge
pub mod blood;
pub mod clock;
pub mod config;
pub mod db;
pub mod detect;
pub mod error;
pub mod figures;
pub mod ids;
pub mod telemetry;
mod text;
mod text_enum;

// platform: serves every feature
pub mod audit;
pub mod auth;
pub mod charts;
pub mod jobs;
pub mod live;
pub mod mail;
pub mod outbox;
pub mod web;

// features
mod admin;
pub mod alerts;
mod api;
pub mod boards;
pub mod brokers;
pub mod catalog;
pub mod distributions;
pub mod facilities;
pub mod health;
pub mod import;
pub mod ingest;
pub mod inventory;
pub mod keys;
pub mod metrics;
mod network;
pub mod places;
mod receivers;
pub mod reference;
pub mod requests;
mod search;
pub mod summary;
pub mod synthetic;
pub mod users;
pub mod widgets;
