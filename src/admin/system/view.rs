//! What the System page shows, in words.

use super::rules::{Measure, RULES, State};
use super::statements::Statement;
use super::watch::{Look, seconds};
use crate::app::App;
use crate::brokers::{BrokerState, Phase};
use crate::charts::full;
use crate::clock::age_label;
use crate::words;
use crate::words::Dated;

pub struct SystemView {
    /// `14:03:10 UTC`
    pub at: String,
    pub rules: Vec<RuleView>,
    pub facts: Vec<(&'static str, String, &'static str)>,
    pub brokers: Vec<BrokerView>,
    pub jobs: Vec<JobView>,
    /// none: the database does not count statements
    pub statements: Option<Vec<StatementView>>,
}

pub struct RuleView {
    pub title: &'static str,
    pub value: String,
    pub note: String,
    pub threshold: &'static str,
    /// kind and word of its phase
    pub state: (&'static str, &'static str),
    /// `since 14:01:20 UTC`, or empty
    pub since: String,
    pub advice: &'static str,
    /// the quarter of an hour before, as points of a line 100 wide and 24 high; empty when there is nothing to draw
    pub line: String,
}

pub struct JobView {
    pub job: String,
    pub ended_iso: String,
    pub ended: String,
    pub took: String,
    pub outcome: (&'static str, String),
    pub slow: bool,
}

pub struct BrokerView {
    pub name: String,
    pub kind: &'static str,
    pub state: (&'static str, &'static str),
    /// `since 14:01:20 UTC`
    pub since: String,
    /// queue, or topics and this instance's share of their partitions
    pub reads: String,
    pub behind: String,
    pub taken: String,
    pub dead: String,
    /// with its time; `–` when there was none
    pub last_error: String,
}

pub struct StatementView {
    pub query: String,
    pub calls: String,
    pub mean: String,
    pub total: String,
}

impl SystemView {
    pub fn new(app: &App, look: &Look, statements: Option<Vec<Statement>>) -> Self {
        let pools = app.db.pools();
        let pool = |at: usize| t!("{at} of {size} in use", at = pools[at].1, size = pools[at].2);
        SystemView {
            at: look.at.format("%H:%M:%S UTC").to_string(),
            rules: (0..RULES.len()).map(|at| RuleView::new(look, at)).collect(),
            facts: vec![
                (
                    t!("Streams open"),
                    full(app.hub.open() as f64),
                    t!("One for each open page of this instance."),
                ),
                (
                    t!("Pool for pages"),
                    pool(0),
                    t!("When it stays full, raise pool_web or add an instance."),
                ),
                (
                    t!("Pool for jobs"),
                    pool(1),
                    t!("When it stays full, jobs wait for each other: raise pool_jobs."),
                ),
                (
                    t!("Outbox depth"),
                    full(look.outbox_depth as f64),
                    t!(
                        "Facts committed that have not reached this instance; more than a few for long means that it does not hear the database."
                    ),
                ),
            ],
            brokers: app.brokers.all().iter().map(BrokerView::of).collect(),
            jobs: look
                .jobs
                .iter()
                .map(|run| JobView {
                    job: run.job.clone(),
                    ended_iso: run.finished_at.to_rfc3339(),
                    ended: t!("{age} ago", age = age_label(look.at - run.finished_at)),
                    took: time(seconds(run.finished_at - run.claimed_at)),
                    outcome: match (run.outcome.as_str(), run.running) {
                        (_, true) => ("accent", t!("Running now").into()),
                        ("done", false) => ("good", t!("Done").into()),
                        (failure, false) => ("critical", failure.to_owned()),
                    },
                    slow: run.job == "refresh" && seconds(run.finished_at - run.claimed_at) > 2.0,
                })
                .collect(),
            statements: statements.map(|all| all.into_iter().map(StatementView::of).collect()),
        }
    }
}

impl RuleView {
    fn new(look: &Look, at: usize) -> Self {
        let (rule, (state, since)) = (&RULES[at], look.states[at]);
        let value = look.readings.of(rule.measure);
        let shown = |value: Option<f64>| value.map_or_else(|| "–".into(), time);
        let (value, note) = match rule.measure {
            Measure::HitRate => (
                share(value),
                t!("{value} boards in the last minute", value = full(look.boards as f64)),
            ),
            Measure::QueryTime => (
                shown(value),
                t!(
                    "p50 {shown}, p99 {slowest}; {value} queries in the last minute",
                    shown = shown(look.readings.p50),
                    slowest = shown(look.readings.p99),
                    value = full(look.queries as f64)
                ),
            ),
            Measure::RefreshTime => (shown(value), t!("of the job refresh, on whatever instance").into()),
            Measure::StaleShare => (share(value), t!("of the boards in the memory of this instance").into()),
        };
        RuleView {
            title: words::t(rule.title),
            value,
            note,
            threshold: words::t(rule.threshold),
            state: match state {
                State::Ok => ("good", t!("OK")),
                State::Pending => ("watch", t!("Pending")),
                State::Firing => ("critical", t!("Firing")),
            },
            since: since.map_or_else(String::new, |since| since.dated("since %H:%M:%S UTC")),
            advice: words::t(rule.advice),
            line: match rule.measure {
                Measure::HitRate => line(&look.hit_rates, 1.0),
                Measure::QueryTime => line(&look.p95s, 0.5),
                Measure::RefreshTime | Measure::StaleShare => String::new(),
            },
        }
    }
}

impl BrokerView {
    fn of(broker: &BrokerState) -> Self {
        BrokerView {
            name: broker.name.clone(),
            kind: broker.kind,
            state: match broker.phase {
                Phase::Connecting => ("watch", t!("Connecting")),
                Phase::Consuming => ("good", t!("Consuming")),
                Phase::Waiting => ("critical", t!("Trying again")),
                Phase::Stopped => ("watch", t!("Stopped")),
            },
            since: t!("since {since}", since = broker.since.format("%H:%M:%S UTC")),
            reads: match broker.share {
                None => broker.place.clone(),
                Some((own, all)) => {
                    let share = t!(
                        "{own} of {all} partitions",
                        own = full(own as f64),
                        all = full(all as f64)
                    );
                    format!("{}: {share}", broker.place)
                }
            },
            behind: broker.behind.map_or_else(|| "–".into(), |behind| full(behind as f64)),
            taken: full(broker.taken as f64),
            dead: full(broker.dead as f64),
            last_error: match &broker.last_error {
                None => "–".into(),
                Some((at, error)) => format!("{} {error}", at.dated("%-d %b %H:%M:%S UTC")),
            },
        }
    }
}

impl StatementView {
    fn of(statement: Statement) -> Self {
        StatementView {
            query: statement.query.split_whitespace().collect::<Vec<_>>().join(" "),
            calls: full(statement.calls as f64),
            mean: time(statement.mean_ms / 1000.0),
            total: time(statement.total_ms / 1000.0),
        }
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |share| format!("{:.1} %", share * 100.0))
}

/// Seconds in the unit that suits them.
fn time(seconds: f64) -> String {
    match seconds * 1000.0 {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        _ => format!("{seconds:.1} s"),
    }
}

/// Points of a polyline; `top` is the least value at the upper edge.
fn line(values: &[Option<f64>], top: f64) -> String {
    let known: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(at, value)| value.map(|value| (at, value)))
        .collect();
    if known.len() < 2 {
        return String::new();
    }
    let top = known.iter().map(|(_, value)| *value).fold(top, f64::max);
    let last = (values.len() - 1) as f64;
    let points = known
        .iter()
        .map(|(at, value)| format!("{:.1},{:.1}", *at as f64 / last * 100.0, 23.0 - value / top * 22.0));
    points.collect::<Vec<_>>().join(" ")
}
