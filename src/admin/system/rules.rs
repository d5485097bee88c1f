//! When this instance is not well: four thresholds, how long each must be broken before it counts, and what to do then.

use chrono::{DateTime, TimeDelta, Utc};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    HitRate,
    QueryTime,
    RefreshTime,
    StaleShare,
}

/// A threshold.
#[derive(Debug)]
pub struct Rule {
    pub measure: Measure,
    /// label of the metric
    pub name: &'static str,
    pub title: &'static str,
    /// `below 90 % for 5 min`
    pub threshold: &'static str,
    /// how long it must be broken, in seconds
    pub patience: i64,
    pub advice: &'static str,
}

/// Hit rate < 90 % for 5 min; p95 > 500 ms; refresh > 2 s; stale > 10 % for 10 min.
pub const RULES: [Rule; 4] = [
    Rule {
        measure: Measure::HitRate,
        name: "hit_rate",
        title: mark!("Boards answered from memory"),
        threshold: mark!("below 90 % for 5 minutes"),
        patience: 5 * 60,
        advice: mark!(
            "Many boards are asked for the first time. After a start this passes; if it stays, more boards are in use than this instance keeps, or their data changes faster than it is read."
        ),
    },
    Rule {
        measure: Measure::QueryTime,
        name: "query_p95",
        title: mark!("Query time, 95th percentile"),
        threshold: mark!("above 500 ms"),
        patience: 0,
        advice: mark!(
            "Look at the slowest statements below and at the pools: a full pool makes queries wait. Run analyze after a large import."
        ),
    },
    Rule {
        measure: Measure::RefreshTime,
        name: "refresh",
        title: mark!("Last refresh of all summaries"),
        threshold: mark!("above 2 s"),
        patience: 0,
        advice: mark!(
            "The refresh reads today's rows of every facility. Check that autovacuum keeps up and that the disk is not busy with something else, such as a backup."
        ),
    },
    Rule {
        measure: Measure::StaleShare,
        name: "stale_share",
        title: mark!("Boards past their freshness"),
        threshold: mark!("above 10 % for 10 minutes"),
        patience: 10 * 60,
        advice: mark!(
            "Summaries are not refreshed in time. See below when the job refresh last ran, and that an instance with the role jobs or all is up."
        ),
    },
];

/// Numbers at one moment; none where nothing happened that could be measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readings {
    /// share, 0 to 1
    pub hit_rate: Option<f64>,
    /// seconds
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// seconds
    pub refresh: Option<f64>,
    /// share, 0 to 1
    pub stale: Option<f64>,
}

impl Readings {
    pub fn of(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::HitRate => self.hit_rate,
            Measure::QueryTime => self.p95,
            Measure::RefreshTime => self.refresh,
            Measure::StaleShare => self.stale,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    /// broken, not yet for long enough
    Pending,
    Firing,
}

impl Rule {
    fn is_broken(&self, readings: &Readings) -> bool {
        readings.of(self.measure).is_some_and(|value| match self.measure {
            Measure::HitRate => value < 0.9,
            Measure::QueryTime => value > 0.5,
            Measure::RefreshTime => value > 2.0,
            Measure::StaleShare => value > 0.1,
        })
    }

    /// The state now, and since when it is broken; `since` is what was answered last time.
    pub fn judge(
        &self,
        readings: &Readings,
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> (State, Option<DateTime<Utc>>) {
        if !self.is_broken(readings) {
            return (State::Ok, None);
        }
        let since = since.unwrap_or(now);
        let state = if now - since >= TimeDelta::seconds(self.patience) {
            State::Firing
        } else {
            State::Pending
        };
        (state, Some(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(measure: Measure) -> &'static Rule {
        RULES.iter().find(|rule| rule.measure == measure).unwrap()
    }

    #[test]
    fn a_threshold_with_patience_is_pending_until_its_time_is_over() {
        let bad = Readings {
            hit_rate: Some(0.89),
            stale: Some(0.11),
            ..Readings::default()
        };
        let begun = Utc::now();

        for (measure, minutes) in [(Measure::HitRate, 5), (Measure::StaleShare, 10)] {
            let rule = rule(measure);
            let (first, since) = rule.judge(&bad, None, begun);
            let (almost, _) = rule.judge(&bad, since, begun + TimeDelta::seconds(minutes * 60 - 1));
            let (then, known) = rule.judge(&bad, since, begun + TimeDelta::minutes(minutes));

            assert_eq!((first, almost, then), (State::Pending, State::Pending, State::Firing));
            assert_eq!(known, Some(begun));
        }
    }

    #[test]
    fn a_threshold_without_patience_fires_at_once_and_ends_at_once() {
        let bad = Readings {
            p95: Some(0.501),
            refresh: Some(2.1),
            ..Readings::default()
        };
        let good = Readings {
            p95: Some(0.5),
            refresh: Some(2.0),
            ..Readings::default()
        };
        let now = Utc::now();

        for measure in [Measure::QueryTime, Measure::RefreshTime] {
            assert_eq!(rule(measure).judge(&bad, None, now), (State::Firing, Some(now)));
            assert_eq!(rule(measure).judge(&good, Some(now), now), (State::Ok, None));
        }
    }

    #[test]
    fn nothing_measured_is_nothing_broken() {
        let now = Utc::now();

        assert!(
            RULES
                .iter()
                .all(|rule| rule.judge(&Readings::default(), Some(now), now).0 == State::Ok)
        );
    }
}
