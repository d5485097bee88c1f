//! Kinds of series that were looked at only when the detector was finished, and series in which nothing happens.

use super::series::{Draft, Series, daytime};

type Make = fn(u64) -> Series;

pub const HELD_OUT: [Make; 8] = [latency, key_hold, stuck, leak, quiet, frequency, queue, revenue];

pub const CLEAN: [Make; 8] = [
    clean_noise,
    clean_heavy,
    clean_day,
    clean_week,
    clean_jobs,
    clean_flat,
    clean_wander,
    clean_steps,
];

/// Milliseconds around 45 with lone spikes; a failing server answers in hundreds.
fn latency(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let values = (0..d.len())
        .map(|row| {
            let usual = 45.0
                + d.dice.heavy() * 1.5
                + if d.dice.chance(0.004) {
                    d.dice.between(5.0, 20.0)
                } else {
                    0.0
                };
            match d.within(row, 10) {
                Some((_, since)) if since % 3 != 2 => usual + d.dice.between(40.0, 60.0),
                _ => usual,
            }
        })
        .collect();
    d.finish("latency", values, false)
}

/// How long keys are held: a person types at some hours; somebody else types differently.
fn key_hold(seed: u64) -> Series {
    let mut d = Draft::new(seed, 1880, 300, 2);
    let values = (0..d.len())
        .map(|row| {
            let (hour, _) = d.hour(row);
            let awake = (9.0..18.0).contains(&hour) && d.dice.chance(0.7);
            let usual = if awake { 0.08 * d.dice.lognormal(0.3) } else { 0.0 };
            if d.within(row, 12).is_some() {
                0.35 * d.dice.lognormal(0.3)
            } else {
                usual
            }
        })
        .collect();
    d.finish("key hold", values, false)
}

/// A sensor that repeats its last value for hours.
fn stuck(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 1);
    let mut wander = 0.0;
    let mut last = 0.0;
    let values = (0..d.len())
        .map(|row| {
            wander += -0.02 * wander + d.dice.normal() * 0.5;
            if d.within(row, 150).is_none() {
                last = 20.0 + wander + d.dice.normal() * 0.3;
            }
            last
        })
        .collect();
    d.finish("stuck sensor", values, false)
}

/// Memory that leaks: a slow ramp where it was level.
fn leak(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 1);
    let values = (0..d.len())
        .map(|row| {
            let ramp = d.within(row, 300).map_or(0.0, |(_, since)| since as f64 * 0.12);
            55.0 + ramp + d.dice.normal() * 0.8
        })
        .collect();
    d.finish("memory leak", values, false)
}

/// The noise trebles, or dies away.
fn quiet(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let values = (0..d.len())
        .map(|row| {
            let size = match d.within(row, 150) {
                Some((0, _)) => 4.0,
                Some((_, _)) => 0.1,
                None => 1.0,
            };
            30.0 + size * d.dice.normal()
        })
        .collect();
    d.finish("noise changes", values, false)
}

/// A wave of two hours; its frequency doubles for half a day.
fn frequency(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 1);
    let mut phase = 0.0f64;
    let values = (0..d.len())
        .map(|row| {
            phase += std::f64::consts::TAU / if d.within(row, 144).is_some() { 12.0 } else { 24.0 };
            50.0 + 20.0 * phase.sin() + d.dice.normal()
        })
        .collect();
    d.finish("frequency", values, false)
}

/// The length of a queue by the minute: mostly 0, sometimes some; once it does not empty.
fn queue(seed: u64) -> Series {
    let mut d = Draft::new(seed, 6000, 60, 2);
    let mut length = 0.0f64;
    let values = (0..d.len())
        .map(|row| {
            let work = if d.within(row, 40).is_some() { 0.0 } else { 14.0 };
            length = (length + d.dice.count(10.0, 4.0) - work).max(0.0);
            length
        })
        .collect();
    d.finish("queue length", values, true)
}

/// Revenue by the hour with day and week; one evening is lost, one doubles.
fn revenue(seed: u64) -> Series {
    let mut d = Draft::new(seed, 2400, 3600, 2);
    let values = (0..d.len())
        .map(|row| {
            let (hour, weekend) = d.hour(row);
            let usual = 900.0 * (0.1 + daytime(hour)) * if weekend { 1.4 } else { 1.0 } * d.dice.lognormal(0.12);
            match d.within(row, 8) {
                Some((0, _)) => usual * 0.2,
                Some((_, _)) => usual * 2.2,
                None => usual,
            }
        })
        .collect();
    d.finish("revenue", values, false)
}

fn clean(
    family: &'static str,
    seed: u64,
    rows: usize,
    step: i64,
    value: impl FnMut(&mut Draft, usize) -> f64,
) -> Series {
    let mut d = Draft::new(seed, rows, step, 0);
    let mut value = value;
    let values = (0..d.len()).map(|row| value(&mut d, row)).collect();
    d.finish(family, values, true)
}

fn clean_noise(seed: u64) -> Series {
    clean("clean: noise", seed, 4032, 300, |d, _| 50.0 + d.dice.normal() * 4.0)
}

fn clean_heavy(seed: u64) -> Series {
    clean("clean: heavy tails", seed, 4032, 300, |d, _| {
        100.0 * d.dice.lognormal(0.9)
    })
}

fn clean_day(seed: u64) -> Series {
    clean("clean: day", seed, 6000, 300, |d, row| {
        let (hour, _) = d.hour(row);
        d.dice.count(120.0 * (0.1 + daytime(hour)), 15.0)
    })
}

fn clean_week(seed: u64) -> Series {
    clean("clean: week", seed, 8000, 900, |d, row| {
        let (hour, weekend) = d.hour(row);
        let mean = 300.0 * (0.1 + daytime(hour)) * if weekend { 0.5 } else { 1.0 };
        mean * (1.0 + d.dice.normal() * 0.06)
    })
}

fn clean_jobs(seed: u64) -> Series {
    clean("clean: nightly jobs", seed, 4032, 300, |d, row| {
        let job = if (30..40).contains(&(row % 288)) { 50.0 } else { 0.0 };
        let rare = if d.dice.chance(0.01) {
            d.dice.between(10.0, 30.0)
        } else {
            0.0
        };
        10.0 + job + rare + d.dice.normal()
    })
}

fn clean_flat(seed: u64) -> Series {
    clean("clean: flat", seed, 4032, 300, |d, _| {
        if d.dice.chance(0.02) { 1.0 } else { 0.0 }
    })
}

fn clean_wander(seed: u64) -> Series {
    let mut at = 0.0;
    clean("clean: wanders", seed, 6000, 300, move |d, _| {
        at += -0.01 * at + d.dice.normal();
        70.0 + at
    })
}

fn clean_steps(seed: u64) -> Series {
    let mut level = 3.0;
    clean("clean: steps", seed, 4032, 300, move |d, _| {
        if d.dice.chance(0.02) {
            level = d.dice.between(1.0, 8.0).round();
        }
        level * 10.0 + d.dice.normal() * 0.5
    })
}
