//! How well alerts meet labelled windows, by the rules of the Numenta Anomaly Benchmark (Lavin and Ahmad, *Evaluating real-time
//! anomaly detection algorithms*, 2015): the earliest alert inside a window counts, the earlier the more; alerts outside cost.

use super::series::Series;

/// What a false alarm costs beside a missed window, in the standard profile.
const FALSE_ALARM: f64 = 0.11;

/// Sums over series.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub gained: f64,
    pub windows: usize,
    pub found: usize,
    pub alarms: usize,
    pub rows: usize,
}

impl Tally {
    /// 100 for every window found at its first row without a false alarm, 0 for silence.
    pub fn points(&self) -> f64 {
        100.0 * (self.gained + self.windows as f64) / (2.0 * self.windows as f64).max(1e-9)
    }

    pub fn add(&mut self, other: Tally) {
        self.gained += other.gained;
        self.windows += other.windows;
        self.found += other.found;
        self.alarms += other.alarms;
        self.rows += other.rows;
    }

    pub fn told(&self) -> String {
        format!(
            "{:.1} points, {} of {} found, {:.2} false alarms in 1,000 rows",
            self.points(),
            self.found,
            self.windows,
            self.alarms_per_thousand()
        )
    }

    pub fn alarms_per_thousand(&self) -> f64 {
        1000.0 * self.alarms as f64 / (self.rows as f64).max(1.0)
    }
}

/// The first rows are not judged.
pub fn probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

/// Judges rows that are alerts where `score >= threshold`.
pub fn judge(series: &Series, scores: &[f64], threshold: f64) -> Tally {
    let begin = probation(series.rows.len());
    let mut tally = Tally {
        windows: series.windows.len(),
        rows: series.rows.len() - begin,
        ..Tally::default()
    };
    let alert = |row: &usize| scores[*row] >= threshold;
    for (from, to) in &series.windows {
        match (*from.max(&begin)..*to).find(alert) {
            Some(row) => {
                tally.found += 1;
                let place = (row as f64 - *to as f64) / (*to as f64 - *from as f64).max(1.0);
                tally.gained += sigmoid(place) / sigmoid(-1.0);
            }
            None => tally.gained -= 1.0,
        }
    }
    for row in (begin..series.rows.len()).filter(alert) {
        if series.windows.iter().any(|(from, to)| row >= *from && row < *to) {
            continue;
        }
        tally.alarms += 1;
        let past = series.windows.iter().rfind(|(_, to)| *to <= row);
        let place = past.map_or(9.0, |(from, to)| {
            (row as f64 - *to as f64 + 1.0) / (to - from).max(1) as f64
        });
        tally.gained += FALSE_ALARM * sigmoid(place);
    }
    tally
}

fn sigmoid(place: f64) -> f64 {
    if place > 3.0 {
        -1.0
    } else {
        2.0 / (1.0 + (5.0 * place).exp()) - 1.0
    }
}
