//! How well the detector of anomalies does, beside simple ones that get the threshold that suits them best, and what a row costs.

use std::time::Instant;

use anyhow::Result;

use crate::table::Table;
use trial::families::TUNED;
use trial::held_out::{CLEAN, HELD_OUT};
use trial::series::Series;
use trial::{at, best, by_kind, detected, made, simple};

#[path = "../../tests/it/detect/trial.rs"]
mod trial;

/// The seeds it was tuned on, and others.
const TUNED_ON: std::ops::Range<u64> = 1..4;
const FRESH: std::ops::Range<u64> = 101..106;

pub fn measure(table: &mut Table) -> Result<()> {
    set(table, "tuned kinds, tuned seeds", &made(&TUNED, TUNED_ON));
    set(table, "tuned kinds, fresh seeds", &made(&TUNED, FRESH));
    set(table, "held-out kinds", &made(&HELD_OUT, FRESH));

    let clean = made(&CLEAN, FRESH);
    let begun = Instant::now();
    let (_, alerts) = detected(&clean);
    let took = begun.elapsed().as_micros() as f64;
    let sum = at(&clean, &alerts, 0.5);
    let found = sum.alarms_per_thousand();
    table.goal(
        "false alarms in 1,000 clean rows",
        format!("{found:.2}"),
        "<= 1",
        found <= 1.0,
    );
    let rows: usize = clean.iter().map(|series| series.rows.len()).sum();
    table.note("a row", format!("{:.1} us", took / rows as f64));
    Ok(())
}

fn set(table: &mut Table, name: &str, series: &[Series]) {
    let (scores, alerts) = detected(series);
    let ours = at(series, &alerts, 0.5);
    let others = simple(series);
    let most = others.iter().map(|(_, sum)| sum.points()).fold(0.0, f64::max);
    table.goal(
        &format!("{name}: alerts of the detector"),
        ours.told(),
        "more than any simple one",
        ours.points() > most,
    );
    table.note(
        &format!("{name}: its score, best threshold"),
        best(series, &scores).told(),
    );
    for (simple, sum) in others {
        table.note(&format!("{name}: {simple}, best threshold"), sum.told());
    }
    for (kind, sum) in by_kind(series, &alerts) {
        table.note(&format!("{name}: {kind}"), sum);
    }
}
