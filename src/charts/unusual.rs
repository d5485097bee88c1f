//! Values that are not as usual: found by the detector, marked by a wedge, told in words.

use super::{Chart, Label, Series};
use crate::detect::{Detector, Settings};

/// A value that is not as usual.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub series: usize,
    pub day: usize,
    /// What is unusual about it: `4.1 x above the usual Tuesday`.
    pub words: String,
}

/// The unusual values of these series. What is usual has to be learned first, so that over a month only an extreme is marked; and an unfinished last day, whose count is
/// low for a known reason, takes no part.
pub fn unusual(series: &[Series], labels: &[Label], last_is_partial: bool) -> Vec<Mark> {
    let complete = labels.len() - usize::from(last_is_partial && !labels.is_empty());
    let mut marks = Vec::new();
    for (s, one) in series.iter().enumerate() {
        let mut detector = Detector::new(Settings::default());
        for (day, label) in labels.iter().enumerate().take(complete) {
            let value = one.values.get(day).copied().flatten().unwrap_or(f64::NAN);
            let verdict = detector.observe(
                match label {
                    Label::Day(date) => date.and_time(chrono::NaiveTime::MIN),
                    Label::Time(time) => *time,
                    // bins follow each other in no time
                    Label::Bin(..) => continue,
                },
                value,
            );
            if verdict.alert {
                marks.push(Mark {
                    series: s,
                    day,
                    words: verdict.explanation(),
                });
            }
        }
    }
    marks.sort_by_key(|mark| mark.day);
    marks
}

impl Chart<'_> {
    /// The marks that lie on a value.
    pub(super) fn marked(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|mark| {
            mark.series < self.series.len()
                && mark.day < self.labels.len()
                && self.value(mark.series, mark.day).is_some()
        })
    }

    /// A mark in words: `3 Nov unusual: Raised 4.1 x above the usual Monday`.
    pub(super) fn told(&self, mark: &Mark) -> String {
        t!(
            "{day} unusual: {words}",
            day = self.named_day(mark.day),
            words = self.named(mark)
        )
    }

    /// Its words, after the name of its series where there are several.
    pub(super) fn named(&self, mark: &Mark) -> String {
        match self.series.len() {
            1 => mark.words.clone(),
            _ => format!("{} {}", self.series[mark.series].name, mark.words),
        }
    }
}
