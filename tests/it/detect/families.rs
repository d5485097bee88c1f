//! The kinds of series that the detector is tuned on: servers, traffic and business as they look with noise, season, spikes that
//! belong there, drift and holes.

use super::series::{Draft, Series, daytime};

type Make = fn(u64) -> Series;

pub const TUNED: [Make; 18] = [
    cpu_level,
    cpu_pattern,
    flat_spikes,
    network,
    requests,
    temperature,
    taxi,
    machine,
    tweets,
    clicks,
    speed,
    square_up,
    square_missing,
    square_flat,
    density,
    daily_sales,
    batch_jobs,
    disk,
];

/// A noisy level that drifts; it jumps and stays.
fn cpu_level(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let (sigma, base) = (d.dice.between(0.8, 3.0), d.dice.between(20.0, 60.0));
    let jumps = [d.dice.between(5.0, 9.0), -d.dice.between(4.0, 8.0)];
    let mut drift = 0.0;
    let values = (0..d.len())
        .map(|row| {
            drift += d.dice.normal() * sigma * 0.02;
            let jump: f64 = d
                .starts
                .iter()
                .zip(jumps)
                .filter(|(s, _)| row >= **s)
                .map(|(_, j)| j * sigma)
                .sum();
            let spike = if d.dice.chance(0.002) {
                d.dice.between(3.0, 5.0) * sigma
            } else {
                0.0
            };
            base + drift + jump + spike + d.dice.normal() * sigma
        })
        .collect();
    d.finish("cpu level", values, false)
}

/// A saw of half an hour as machines with cron have it; once it spikes a little above all there was, once the saw changes.
fn cpu_pattern(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let saw = [0.0, -3.0, 5.0, -5.0, 2.0, 8.0];
    let period = 4 + (d.dice.uniform() * 3.0) as usize;
    let values = (0..d.len())
        .map(|row| {
            let slow = 3.0 * (row as f64 / 1500.0).sin();
            let own = match d.within(row, 500) {
                Some((0, 0..2)) => 22.0,
                Some((1, since)) => saw[since / 3 % period] * 1.9,
                _ => saw[row % period],
            };
            45.0 + slow + own + d.dice.normal() * 0.9
        })
        .collect();
    d.finish("cpu pattern", values, false)
}

/// Nearly nothing, with spikes that belong there; one is much larger, and once the ground rises.
fn flat_spikes(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let rate = d.dice.between(0.003, 0.012);
    let values = (0..d.len())
        .map(|row| {
            let usual = if d.dice.chance(rate) {
                d.dice.between(0.5, 1.0)
            } else {
                0.0
            };
            let ground = 0.132 + if d.dice.chance(0.4) { 0.002 } else { 0.0 };
            match d.within(row, 150) {
                Some((0, 0..2)) => 2.3 + d.dice.uniform() * 0.2,
                Some((1, _)) => ground + 0.05 + usual,
                _ => ground + usual,
            }
        })
        .collect();
    d.finish("flat with spikes", values, false)
}

/// Bytes per minute with heavy tails and short bursts; the anomaly is a flood of an hour or three.
fn network(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4500, 300, 1);
    let mut burst = 0.0f64;
    let long = d.dice.between(12.0, 36.0) as usize;
    let values = (0..d.len())
        .map(|row| {
            burst *= 0.5;
            if d.dice.chance(0.015) {
                burst += d.dice.lognormal(0.6) * 4.0;
            }
            let flood = if d.within(row, long).is_some() { 25.0 } else { 0.0 };
            1e5 * (d.dice.lognormal(0.35) + burst + flood * d.dice.lognormal(0.15))
        })
        .collect();
    d.finish("network bytes", values, true)
}

/// Requests per five minutes with the hours of people; a burst, and an outage.
fn requests(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    let base = d.dice.between(20.0, 200.0);
    let values = (0..d.len())
        .map(|row| {
            let (hour, weekend) = d.hour(row);
            let mean = base * (0.15 + daytime(hour)) * if weekend { 0.6 } else { 1.0 };
            let usual = d.dice.count(mean, 12.0);
            match d.within(row, 12) {
                Some((0, _)) => usual * 4.5,
                Some((1, _)) => (usual * 0.02).round(),
                _ => usual,
            }
        })
        .collect();
    d.finish("requests", values, true)
}

/// Hourly degrees of an office that wanders; a machine fails for a day or two.
fn temperature(seed: u64) -> Series {
    let mut d = Draft::new(seed, 7267, 3600, 2);
    let mut wander = 0.0;
    let signs = [-1.0, 1.0];
    let values = (0..d.len())
        .map(|row| {
            wander += -0.01 * wander + d.dice.normal() * 0.25;
            let (hour, _) = d.hour(row);
            let fail = d.within(row, 40).map_or(0.0, |(event, since)| {
                signs[event] * 9.0 * ((since as f64 + 1.0) / 6.0).min(1.0)
            });
            71.0 + wander + 1.2 * ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin() + fail + d.dice.normal() * 0.4
        })
        .collect();
    d.finish("temperature", values, true)
}

/// Passengers per half an hour: day and week, and days that are not like their weekday.
fn taxi(seed: u64) -> Series {
    let mut d = Draft::new(seed, 7200, 1800, 4);
    let mut mood = 0.0;
    // days off begin at midnight
    let starts: Vec<usize> = d.starts.iter().map(|s| s / 48 * 48).collect();
    let kinds = [0.6, 0.55, 1.35, 0.25];
    let values = (0..d.len())
        .map(|row| {
            let (hour, weekend) = d.hour(row);
            if row % 48 == 0 {
                mood = d.dice.normal() * 0.05;
            }
            let night = if weekend {
                (-((hour - 1.0) / 2.0).powi(2)).exp() * 0.7
            } else {
                0.0
            };
            let usual = 2000.0 + 18000.0 * (daytime(hour) * if weekend { 0.85 } else { 1.0 } + night) * (1.0 + mood);
            let off = starts.iter().position(|s| row >= *s && row < s + 48);
            usual * off.map_or(1.0, |event| kinds[event]) * (1.0 + d.dice.normal() * 0.04)
        })
        .collect();
    d.starts = starts;
    d.finish("taxi rides", values, false)
}

/// A sensor that wanders slowly and dips when the machine stops.
fn machine(seed: u64) -> Series {
    let mut d = Draft::new(seed, 11_000, 300, 3);
    let mut wander = 0.0;
    let mut quick = 0.0;
    let values = (0..d.len())
        .map(|row| {
            wander += -0.001 * wander + d.dice.normal() * 0.35;
            quick += -0.1 * quick + d.dice.normal() * 0.6;
            let dip = d
                .within(row, 260)
                .map_or(0.0, |(_, since)| 55.0 * (since as f64 / 40.0).min(1.0));
            85.0 + wander.clamp(-15.0, 12.0) + quick - dip
        })
        .collect();
    d.finish("machine", values, true)
}

/// Mentions per five minutes: bursts that fade are usual, the event is several times larger.
fn tweets(seed: u64) -> Series {
    let mut d = Draft::new(seed, 8000, 300, 3);
    let mut burst = 0.0f64;
    let base = d.dice.between(4.0, 50.0);
    let values = (0..d.len())
        .map(|row| {
            let (hour, _) = d.hour(row);
            burst *= 0.72;
            if d.dice.chance(0.006) {
                burst += base * d.dice.lognormal(0.7) * 1.5;
            }
            if d.within(row, 1).is_some() {
                burst += base * d.dice.between(22.0, 45.0);
            }
            d.dice.count(base * (0.5 + 0.7 * daytime(hour)) + burst, 14.0)
        })
        .collect();
    d.finish("tweets", values, false)
}

/// Cost per click, hourly: skewed noise with lone peaks; the anomaly is a higher one, or a lasting rise.
fn clicks(seed: u64) -> Series {
    let mut d = Draft::new(seed, 1620, 3600, 2);
    let values = (0..d.len())
        .map(|row| {
            let (hour, _) = d.hour(row);
            let usual = 0.09 + 0.02 * (hour / 24.0 * std::f64::consts::TAU).sin() + 0.02 * d.dice.lognormal(0.5);
            let peak = if d.dice.chance(0.01) { 0.06 } else { 0.0 };
            match d.within(row, 8) {
                Some((0, 0)) => usual + 0.42,
                Some((1, _)) => usual + 0.13,
                _ => usual + peak,
            }
        })
        .collect();
    d.finish("cost per click", values, true)
}

/// Speed of traffic at irregular steps: rush hours dip, a jam lasts.
fn speed(seed: u64) -> Series {
    let mut d = Draft::new(seed, 2500, 300, 2).irregular(420.0);
    let values = (0..d.len())
        .map(|row| {
            let (hour, weekend) = d.hour(row);
            let rush = (-((hour - 8.0) / 1.0).powi(2)).exp() + (-((hour - 17.5) / 1.2).powi(2)).exp();
            let dip = if weekend { 2.0 } else { 9.0 } * rush;
            let jam = if d.within(row, 14).is_some() { 42.0 } else { 0.0 };
            (76.0 - dip - jam + d.dice.heavy() * 2.2).max(3.0).round()
        })
        .collect();
    d.finish("road speed", values, false)
}

/// A square wave per day with noise; one day it is much higher.
fn square_up(seed: u64) -> Series {
    square("square, higher", seed, |inside, day| match (inside, day) {
        (true, true) => 165.0,
        (false, true) => 80.0,
        (_, false) => 20.0,
    })
}

/// A square wave per day; one day it does not come.
fn square_missing(seed: u64) -> Series {
    square(
        "square, missing",
        seed,
        |inside, day| if day && !inside { 80.0 } else { 20.0 },
    )
}

/// A square wave per day with noise; one day it stands still in the middle.
fn square_flat(seed: u64) -> Series {
    square("square, flat", seed, |inside, day| match (inside, day) {
        (true, true) => 45.0,
        (false, true) => 80.0,
        (_, false) => 20.0,
    })
}

fn square(family: &'static str, seed: u64, level: fn(bool, bool) -> f64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 1);
    d.starts = d.starts.iter().map(|s| s / 288 * 288 + 108).collect();
    let noise = d.dice.between(0.0, 8.0);
    let values = (0..d.len())
        .map(|row| {
            let day = (row + 288 - 108) % 288 < 108;
            level(d.within(row, 108).is_some(), day) + noise * (d.dice.uniform() - 0.5)
        })
        .collect();
    d.finish(family, values, false)
}

/// Spikes at a steady rate; then they come five times as often.
fn density(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 1);
    let rate = d.dice.between(0.01, 0.03);
    let values = (0..d.len())
        .map(|row| {
            let rate = if d.within(row, 400).is_some() { rate * 6.0 } else { rate };
            if d.dice.chance(rate) { 20.0 } else { 0.0 }
        })
        .collect();
    d.finish("spike density", values, false)
}

/// Sales per day over three years: week, year, growth; a day without sales, a day of four times as many, a lasting loss.
fn daily_sales(seed: u64) -> Series {
    let mut d = Draft::new(seed, 1100, 86_400, 3);
    let values = (0..d.len())
        .map(|row| {
            let (_, weekend) = d.hour(row);
            let year = 1.0 + 0.15 * (row as f64 / 365.0 * std::f64::consts::TAU).sin();
            let mean = 400.0 * (1.0 + row as f64 / 2000.0) * year * if weekend { 0.45 } else { 1.0 };
            let usual = mean * d.dice.lognormal(0.08);
            match d.within(row, 20) {
                Some((0, 0)) => 0.0,
                Some((1, 0)) => usual * 3.5,
                Some((2, _)) => usual * 0.5,
                _ => usual,
            }
        })
        .collect();
    d.finish("daily sales", values, false)
}

/// A job each night makes a high spike that belongs there; once the same spike comes at noon, once the night stays still.
fn batch_jobs(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4032, 300, 2);
    d.starts[0] = d.starts[0] / 288 * 288 + 150;
    d.starts[1] = d.starts[1] / 288 * 288 + 24;
    let values = (0..d.len())
        .map(|row| {
            let at = row % 288;
            let late = d.dice.chance(0.05);
            let job = (24..32).contains(&at) || (late && at == 32);
            let load = match d.within(row, 8) {
                Some((0, _)) => 60.0,
                Some((1, _)) => 0.0,
                _ if job => 60.0,
                _ => 0.0,
            };
            (8.0 + load + d.dice.normal() * 1.2 + d.dice.normal() * load * 0.05).max(0.0)
        })
        .collect();
    d.finish("batch jobs", values, false)
}

/// Bytes written: zeros and bursts; the events are bursts that do not end.
fn disk(seed: u64) -> Series {
    let mut d = Draft::new(seed, 4700, 300, 2);
    let values = (0..d.len())
        .map(|row| {
            let busy = d.dice.chance(0.06);
            let inside = d.within(row, 60).is_some();
            if inside {
                6e6 * d.dice.lognormal(0.3)
            } else if busy {
                4e6 * d.dice.lognormal(0.5)
            } else if d.dice.chance(0.5) {
                0.0
            } else {
                2e4 * d.dice.lognormal(0.8)
            }
        })
        .collect();
    d.finish("disk writes", values, false)
}
