//! What a row may deviate in. Each signal is a deviation with a sign, measured by its own usual size and ranked among its own tails, so
//! that surprises of different signals and series compare.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::level::{Mean, Recent, Size, median};
use super::reason::Reason;
use super::season::{Season, Usual};
use super::tail::{LARGEST, Tail};

/// Rows of a short and of a long window.
const SHORT: usize = 12;
const LONG: usize = 72;
/// Memories of levels and sizes, in rows.
const DAY: f64 = 300.0;
const MIDDLE: f64 = 150.0;
const WEEK: f64 = 2000.0;
/// Differences below this share of the spread are none.
const NOTHING: f64 = 0.003;
/// How much a row's own time counts for the size that its deviation from the season is measured by.
const OWN_TIME: f64 = 0.7;

/// One signal's usual size and its tails upwards and downwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Signal {
    size: Size,
    up: Tail,
    down: Tail,
    /// the deviation of the row before
    last: f64,
}

impl Signal {
    /// Rows until a deviation counts half among those that a new one is ranked with.
    const HALF_LIFE: f64 = 6000.0;

    fn new() -> Self {
        Signal {
            size: Size::default(),
            up: Tail::new(),
            down: Tail::new(),
            last: 0.0,
        }
    }

    fn measure(&mut self, deviation: f64, floor: f64, memory: f64) -> f64 {
        let size = self.size.value().max(floor);
        self.size.observe(deviation, memory);
        self.rank(deviation, in_sizes(deviation, size, floor))
    }

    /// A deviation that shrinks is the end of an event, which is no news.
    fn rank(&mut self, deviation: f64, sizes: f64) -> f64 {
        let shrinks = (deviation > 0.0) == (self.last > 0.0) && deviation.abs() < self.last.abs();
        self.last = deviation;
        let up = self.up.observe(sizes.max(0.0), Self::HALF_LIFE);
        let down = self.down.observe((-sizes).max(0.0), Self::HALF_LIFE);
        if shrinks { 0.0 } else { up.max(down) }
    }
}

fn in_sizes(deviation: f64, size: f64, floor: f64) -> f64 {
    if deviation.abs() <= floor {
        return 0.0;
    }
    (deviation / size.max(f64::MIN_POSITIVE)).clamp(-LARGEST, LARGEST)
}

/// What a row was found to be.
pub(super) struct Found {
    /// `-log10` of the chance of the least likely signal
    pub surprise: f64,
    pub reason: Reason,
    /// between which values the row would have been ordinary
    pub expected: Option<(f64, f64)>,
}

/// The state of all signals of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Signals {
    near: Signal,
    ever: Signal,
    short: Signal,
    long: Signal,
    season: Signal,
    lasting: Signal,
    moves: Signal,
    often: Signal,
    clock: Clock,
    values: Recent,
    levels: Recent,
    outside: Recent,
    usual: Season,
    middle: Mean,
    slow: Mean,
    spread: Size,
    stray: Mean,
    moved: Mean,
    moved_lately: Mean,
    large: Mean,
}

impl Signals {
    pub fn new() -> Self {
        Signals {
            near: Signal::new(),
            ever: Signal::new(),
            short: Signal::new(),
            long: Signal::new(),
            season: Signal::new(),
            lasting: Signal::new(),
            moves: Signal::new(),
            often: Signal::new(),
            clock: Clock::default(),
            values: Recent::new(LONG),
            levels: Recent::new(SHORT),
            outside: Recent::new(LONG),
            usual: Season::new(),
            middle: Mean::default(),
            slow: Mean::default(),
            spread: Size::default(),
            stray: Mean::default(),
            moved: Mean::default(),
            moved_lately: Mean::default(),
            large: Mean::default(),
        }
    }

    pub fn observe(&mut self, time: NaiveDateTime, value: f64) -> Found {
        let step = self.clock.observe(time);
        // numbers that differ by less are the same
        let floor = (NOTHING * self.spread.value()).max(1e-9 * value.abs());
        let usual = self.usual.expected(time, step);
        let before = self.values.back(0).unwrap_or(value);
        let near = median(self.values.latest(SHORT)).unwrap_or(value);
        let expected = self.expected(near, usual);

        let at_once = [self.near(value, near, floor), self.ever(value, floor)];
        self.values.push(value);
        let level = median(self.values.latest(SHORT)).unwrap_or(value);
        let moved = [self.short(level, floor), self.long(value, floor)];
        let season = usual.map(|usual| self.season(time, value, usual, step, floor));
        let course = [
            self.moves((value - before).abs(), floor),
            self.often(at_once[0].0 > 1.3 || at_once[1].0 > 1.5),
        ];

        self.usual.observe(time, value, self.slow.mean);
        self.levels.push(level);
        self.middle
            .observe(self.levels.back(SHORT - 1).unwrap_or(level), MIDDLE);
        self.slow.observe(level, WEEK);
        self.spread.observe(value - self.slow.mean, 1.5 * WEEK);

        let all = at_once
            .into_iter()
            .chain(moved)
            .chain(season.into_iter().flatten())
            .chain(course);
        let (surprise, reason) = all.fold(
            (0.0, Reason::Nothing),
            |most, one| if one.0 > most.0 { one } else { most },
        );
        Found {
            surprise,
            reason: in_season(reason, time, value, usual),
            expected,
        }
    }

    fn expected(&self, near: f64, usual: Option<Usual>) -> Option<(f64, f64)> {
        let (low, high, size) = match usual {
            Some(usual) => (usual.low, usual.high, self.season_size(usual)),
            None if self.values.back(SHORT).is_some() => (near, near, self.near.size.value()),
            None => return None,
        };
        // of normal noise about one row in three hundred lies outside
        Some((low - 4.4 * size, high + 4.4 * size))
    }

    /// Away from the last few rows.
    fn near(&mut self, value: f64, usual: f64, floor: f64) -> (f64, Reason) {
        let surprise = self.near.measure(value - usual, floor, DAY);
        (surprise, Reason::Near { value, usual })
    }

    /// Away from all there was.
    fn ever(&mut self, value: f64, floor: f64) -> (f64, Reason) {
        let usual = self.slow.mean;
        if self.slow.count == 0 {
            return (0.0, Reason::Nothing);
        }
        let surprise = self.ever.measure(value - usual, floor, WEEK);
        (surprise, Reason::Ever { value, usual })
    }

    /// A short window away from a middle one before it.
    fn short(&mut self, level: f64, floor: f64) -> (f64, Reason) {
        let usual = self.middle.mean;
        if self.middle.count == 0 {
            return (0.0, Reason::Nothing);
        }
        let surprise = self.short.measure(level - usual, floor, 500.0);
        let (value, rows) = (level, SHORT);
        (surprise, Reason::Level { value, usual, rows })
    }

    /// A long window away from the long run.
    fn long(&mut self, value: f64, floor: f64) -> (f64, Reason) {
        let usual = self.slow.mean;
        if self.slow.count == 0 {
            return (0.0, Reason::Nothing);
        }
        let value = median(self.values.latest(LONG).step_by(3)).unwrap_or(value);
        let surprise = self.long.measure(value - usual, floor, WEEK);
        let rows = LONG;
        (surprise, Reason::Level { value, usual, rows })
    }

    /// Outside what the season expects, at once and for a quarter of a day. A season that moves as a whole, as with growth, is
    /// followed within a day.
    fn season(&mut self, at: NaiveDateTime, value: f64, usual: Usual, step: f64, floor: f64) -> [(f64, Reason); 2] {
        let outside = usual.outside(value);
        let beyond = outside - self.stray.mean;
        let size = self.season_size(usual) * (1.0 + 1.0 / usual.visits).sqrt() + floor;
        self.season.size.observe(beyond, 1000.0);
        let at_once = self.season.rank(beyond, in_sizes(beyond, size, floor));

        self.outside.push(outside);
        let rows = ((6.0 * 3600.0 / step.max(1.0)) as usize).clamp(3, LONG);
        let (count, sum) = self
            .outside
            .latest(rows)
            .fold((0.0, 0.0), |(n, sum), one| (n + 1.0, sum + one));
        let excess = sum / count - self.stray.mean;
        let lasting = self.lasting.measure(excess, floor, 1000.0);
        self.stray
            .observe(outside, (86_400.0 / step.max(1.0)).clamp(7.0, 3000.0));

        let (part, usual) = (usual.part, usual.middle());
        [
            (at_once, Reason::Season { value, usual, at, part }),
            (
                lasting,
                Reason::While {
                    excess,
                    usual,
                    at,
                    part,
                    rows,
                },
            ),
        ]
    }

    fn season_size(&self, usual: Usual) -> f64 {
        OWN_TIME * usual.size + (1.0 - OWN_TIME) * self.season.size.value()
    }

    /// Moves that are larger or smaller than usual.
    fn moves(&mut self, moved: f64, floor: f64) -> (f64, Reason) {
        let root = moved.sqrt();
        self.moved_lately.observe(root, 24.0);
        let least = floor.sqrt().max(1e-150);
        let times = (self.moved_lately.mean + least) / (self.moved.mean + least);
        let known = self.moved.count > LONG as u32;
        self.moved.observe(root, 1000.0);
        if !known {
            return (0.0, Reason::Nothing);
        }
        let sizes = 2.0 * times.clamp(1e-6, 1e6).log2();
        let surprise = self.moves.rank(sizes, sizes);
        (surprise, Reason::Moves { times: times * times })
    }

    /// More of the large deviations than usual.
    fn often(&mut self, large: bool) -> (f64, Reason) {
        self.large.observe(f64::from(u8::from(large)), 48.0);
        if self.large.count <= LONG as u32 {
            return (0.0, Reason::Nothing);
        }
        let times = self.large.mean / 0.05;
        (self.often.rank(times, times), Reason::Often { times })
    }
}

/// Where a season is known, a lone value is better put against it than against the rows before.
fn in_season(reason: Reason, at: NaiveDateTime, value: f64, usual: Option<Usual>) -> Reason {
    match (reason, usual) {
        (Reason::Near { .. } | Reason::Ever { .. }, Some(usual)) if usual.outside(value) != 0.0 => Reason::Season {
            value,
            usual: usual.middle(),
            at,
            part: usual.part,
        },
        _ => reason,
    }
}

/// The step between rows, in seconds. Gaps count little; rows out of order or of the same time, nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Clock {
    last: Option<NaiveDateTime>,
    step: f64,
}

impl Clock {
    fn observe(&mut self, time: NaiveDateTime) -> f64 {
        let gap = self.last.map_or(0.0, |last| (time - last).num_seconds() as f64);
        if gap > 0.0 {
            let share = if self.step == 0.0 { 1.0 } else { 0.05 };
            let gap = if self.step == 0.0 {
                gap
            } else {
                gap.min(3.0 * self.step)
            };
            self.step += (gap - self.step) * share;
        }
        self.last = Some(time);
        self.step
    }
}
