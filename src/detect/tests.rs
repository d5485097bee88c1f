//! What holds for every series, and the words.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Detector, Settings, Verdict};

fn begin() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2014, 4, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .expect("a time")
}

fn judged(rows: &[(NaiveDateTime, f64)]) -> Vec<Verdict> {
    let mut detector = Detector::new(Settings::default());
    rows.iter()
        .map(|(time, value)| detector.observe(*time, *value))
        .collect()
}

fn every(seconds: i64, values: impl IntoIterator<Item = f64>) -> Vec<(NaiveDateTime, f64)> {
    values
        .into_iter()
        .enumerate()
        .map(|(row, value)| (begin() + TimeDelta::seconds(seconds * row as i64), value))
        .collect()
}

/// Weeks of rows of five minutes that are busy from eight to six on working days, a little uneven, the last one as given.
fn busy_weeks(weeks: usize, last: f64) -> Vec<(NaiveDateTime, f64)> {
    let rows = weeks * 7 * 288 + 14 * 12;
    every(
        300,
        (0..=rows).map(|row| {
            let (day, hour) = (row / 288, row / 12 % 24);
            // the first of April 2014 is a Tuesday
            let busy = (8..18).contains(&hour) && !matches!(day % 7, 4 | 5);
            let uneven = ((row * 7919) % 13) as f64;
            match (row == rows, busy) {
                (true, _) => last,
                (_, true) => 240.0 + uneven,
                (_, false) => 20.0 + uneven / 4.0,
            }
        }),
    )
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-1000i32..1000).prop_map(f64::from),
        2 => Just(0.0),
        1 => any::<f64>(),
        1 => prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(f64::NAN), Just(f64::INFINITY), Just(5e-324)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_verdict_depends_on_the_rows_up_to_it_alone(values in vec(value(), 2..250), cut in 0.0..1.0) {
        let rows = every(300, values);
        let cut = (rows.len() as f64 * cut) as usize;

        prop_assert_eq!(&judged(&rows[..cut])[..], &judged(&rows)[..cut]);
    }

    #[test]
    fn no_value_and_no_time_breaks_it(rows in vec((value(), -4_000_000_000i64..4_000_000_000), 1..200)) {
        let rows: Vec<_> = rows.into_iter().map(|(value, off)| (begin() + TimeDelta::seconds(off), value)).collect();

        for verdict in judged(&rows) {
            prop_assert!((0.0..=1.0).contains(&verdict.score), "{verdict:?}");
            prop_assert!(!verdict.explanation().is_empty());
            prop_assert!(verdict.expected.is_none_or(|(low, high)| low <= high), "{verdict:?}");
        }
    }

    #[test]
    fn the_unit_of_a_series_does_not_matter(values in vec(0i32..1000, 50..300), power in -6i32..12) {
        let scale = 4f64.powi(power);
        let plain = judged(&every(300, values.iter().map(|value| f64::from(*value))));
        let scaled = judged(&every(300, values.iter().map(|value| f64::from(*value) * scale)));

        for (one, other) in plain.iter().zip(&scaled) {
            prop_assert!((one.score - other.score).abs() < 1e-9, "{one:?} {other:?}");
        }
    }

    #[test]
    fn where_zero_lies_does_not_matter(values in vec(0i32..1000, 50..300), offset in -1000i32..1000) {
        let offset = f64::from(offset) * 1024.0;
        let plain = judged(&every(300, values.iter().map(|value| f64::from(*value))));
        let moved = judged(&every(300, values.iter().map(|value| f64::from(*value) + offset)));

        // sums round differently, and a row may fall into the next bin
        let apart: f64 = plain.iter().zip(&moved).map(|(one, other)| (one.score - other.score).abs()).sum();
        prop_assert!(apart / (values.len() as f64) < 0.01, "{}", apart);
    }

    #[test]
    fn a_state_that_was_stored_goes_on(values in vec(0i32..1000, 50..200), cut in 0usize..50) {
        let rows = every(300, values.iter().map(|value| f64::from(*value)));
        let mut kept = Detector::new(Settings::default());
        for (time, value) in &rows[..cut] {
            kept.observe(*time, *value);
        }
        let mut stored: Detector = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();

        for (time, value) in &rows[cut..] {
            let (one, other) = (kept.observe(*time, *value), stored.observe(*time, *value));
            prop_assert!((one.score - other.score).abs() < 1e-6, "{one:?} {other:?}");
        }
    }
}

#[test]
fn what_never_changes_is_never_unusual() {
    for value in [0.0, 45.868, -1e9, 1e300] {
        assert!(
            judged(&every(300, [value; 3000]))
                .iter()
                .all(|verdict| verdict.score == 0.0),
            "{value}"
        );
    }
}

#[test]
fn the_first_move_of_a_flat_line_is_an_alert_and_one_event_is_one_alert() {
    let verdicts = judged(&every(
        300,
        (0..2000).map(|row| if (1500..1600).contains(&row) { 7.0 } else { 2.0 }),
    ));

    let alerts: Vec<usize> = (0..2000).filter(|row| verdicts[*row].alert).collect();
    // its end may be one more
    assert!(alerts[0] == 1500 && alerts.len() <= 2, "{alerts:?}");
    assert!(!alerts.iter().any(|row| (1501..1600).contains(row)), "{alerts:?}");
}

#[test]
fn the_state_does_not_grow() {
    let mut detector = Detector::new(Settings::default());
    let rows = busy_weeks(5, 0.0);
    let (early, late) = rows.split_at(rows.len() / 2);
    let mut size = |rows: &[(NaiveDateTime, f64)]| {
        for (time, value) in rows {
            detector.observe(*time, *value);
        }
        serde_json::to_string(&detector).unwrap().len()
    };

    let (half, whole) = (size(early), size(late));

    assert!(
        whole < half + half / 4 && whole < 48_000,
        "{half} then {whole} characters"
    );
}

#[test]
fn sensitivity_decides_what_is_an_alert_and_nothing_else() {
    let rows = busy_weeks(2, 900.0);
    let with = |sensitivity| {
        let mut detector = Detector::new(Settings { sensitivity });
        let verdicts = rows.iter().map(|(time, value)| detector.observe(*time, *value));
        verdicts
            .map(|verdict| (verdict.score, verdict.alert))
            .unzip::<_, _, Vec<f64>, Vec<bool>>()
    };
    let alerts = |alerts: &[bool]| alerts.iter().filter(|alert| **alert).count();

    let (never, usual, keen) = (with(0.0), with(0.5), with(0.7));

    assert_eq!((&never.0, &usual.0), (&usual.0, &keen.0));
    assert_eq!(alerts(&never.1), 0);
    assert!(alerts(&usual.1) >= 1 && alerts(&keen.1) > alerts(&usual.1));
}

#[test]
fn an_explanation_names_the_usual_value_of_that_weekday_and_hour() {
    let explained = |last| {
        let verdict = *judged(&busy_weeks(6, last)).last().unwrap();
        assert!(verdict.alert, "{verdict:?}");
        let (low, high) = verdict.expected.unwrap();
        assert!(low > 150.0 && high < 350.0, "{verdict:?}");
        verdict.explanation()
    };

    let (above, below) = (explained(1000.0), explained(3.0));

    assert!(above.starts_with("4.0") || above.starts_with("4.1"), "{above}");
    assert!(above.contains(" x above the usual Tuesday 14:00 (about 24"), "{above}");
    assert!(below.contains(" % below the usual Tuesday 14:00 (about 24"), "{below}");
}
