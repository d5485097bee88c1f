//! The detector of anomalies against series whose anomalies are known, and against simple detectors.

mod trial;

use trial::families::TUNED;
use trial::held_out::{CLEAN, HELD_OUT};
use trial::{at, by_kind, detected, made, simple};

/// Seeds that the detector was not tuned on.
const SEED: u64 = 211;

#[test]
fn it_beats_every_simple_detector_at_its_best_threshold() {
    for (name, kinds) in [("tuned", &TUNED[..]), ("held out", &HELD_OUT[..])] {
        let series = made(kinds, SEED..SEED + 1);
        let (_, alerts) = detected(&series);
        let ours = at(&series, &alerts, 0.5);

        for (simple, theirs) in simple(&series) {
            assert!(
                ours.points() > theirs.points() + 5.0,
                "{name}: {ours:?}, {simple} {theirs:?}"
            );
        }
        let kinds = by_kind(&series, &alerts);
        assert!(ours.alarms_per_thousand() < 1.0, "{name}: {ours:?} {kinds:#?}");
    }
}

#[test]
fn where_nothing_happens_it_is_nearly_silent() {
    let series = made(&CLEAN, SEED..SEED + 2);
    let (_, alerts) = detected(&series);

    let ours = at(&series, &alerts, 0.5);

    assert!(ours.rows > 50_000 && ours.alarms_per_thousand() < 1.0, "{ours:?}");
}
