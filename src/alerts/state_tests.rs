use super::*;

/// Seconds after one o'clock.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn timing(hold: i64, keep: i64) -> Timing {
    Timing {
        hold: TimeDelta::seconds(hold),
        keep: TimeDelta::seconds(keep),
    }
}

/// Evaluates every `every` seconds and answers what was news, with its second.
fn played(timing: Timing, every: i64, seen: &[Seen]) -> Vec<(i64, Turn)> {
    let mut alert = None;
    let mut news = Vec::new();
    for (round, seen) in seen.iter().enumerate() {
        let second = round as i64 * every;
        let (after, turn) = step(alert.as_ref(), *seen, timing, at(second));
        news.extend(turn.map(|turn| (second, turn)));
        alert = after;
    }
    news
}

const UP: Seen = Seen::Broken(1.0);
const OK: Seen = Seen::Fine;
const GONE: Seen = Seen::Missing;

#[test]
fn true_at_one_with_ninety_seconds_fires_at_two_thirty() {
    assert_eq!(
        played(timing(90, 0), 30, &[UP, UP, UP, UP, UP]),
        [(0, Turn::Pended), (90, Turn::Fired)]
    );
}

#[test]
fn without_waiting_it_fires_at_once_and_resolves_at_once() {
    assert_eq!(
        played(timing(0, 0), 30, &[OK, UP, UP, OK, OK]),
        [(30, Turn::Fired), (90, Turn::Resolved)]
    );
}

#[test]
fn what_is_in_order_before_its_time_is_dropped_and_begins_anew() {
    assert_eq!(
        played(timing(60, 0), 30, &[UP, OK, UP, UP, UP]),
        [
            (0, Turn::Pended),
            (30, Turn::Dropped),
            (60, Turn::Pended),
            (120, Turn::Fired)
        ]
    );
}

#[test]
fn kept_firing_it_recovers_first_and_a_new_breach_resets_that_time() {
    assert_eq!(
        played(timing(0, 60), 30, &[UP, OK, OK, UP, OK, OK, OK]),
        [
            (0, Turn::Fired),
            (30, Turn::Eased),
            (90, Turn::Relapsed),
            (120, Turn::Eased),
            (180, Turn::Resolved)
        ]
    );
}

#[test]
fn one_that_is_missing_among_others_keeps_its_state_for_two_evaluations() {
    assert_eq!(
        played(timing(0, 0), 30, &[UP, GONE, GONE, UP, GONE, GONE, GONE]),
        [(0, Turn::Fired), (180, Turn::Vanished)]
    );
}

#[test]
fn a_pending_one_that_is_missing_for_long_is_dropped_in_silence() {
    assert_eq!(
        played(timing(600, 0), 30, &[UP, GONE, GONE, GONE, GONE]),
        [(0, Turn::Pended), (90, Turn::Dropped)]
    );
}

#[test]
fn a_rule_that_now_waits_longer_takes_a_firing_one_back_to_pending() {
    let (fired, _) = step(None, UP, timing(0, 0), at(0));

    let (held, turn) = step(fired.as_ref(), UP, timing(120, 0), at(60));
    let (again, then) = step(held.as_ref(), UP, timing(120, 0), at(120));

    assert_eq!((held.unwrap().phase, turn), (Phase::Pending, Some(Turn::Held)));
    assert_eq!((again.unwrap().phase, then), (Phase::Firing, Some(Turn::Fired)));
}

#[test]
fn a_resolved_one_is_shown_for_a_quarter_of_an_hour_and_then_forgotten() {
    let (fired, _) = step(None, UP, timing(0, 0), at(0));
    let (resolved, _) = step(fired.as_ref(), OK, timing(0, 0), at(30));

    let (shown, _) = step(resolved.as_ref(), OK, timing(0, 0), at(30 + 899));
    let (forgotten, _) = step(resolved.as_ref(), OK, timing(0, 0), at(30 + 900));

    assert_eq!(shown.unwrap().phase, Phase::Resolved);
    assert_eq!(forgotten, None);
}

#[test]
fn a_breach_after_the_end_is_a_new_alert_with_its_own_beginning() {
    let (fired, _) = step(None, UP, timing(0, 0), at(0));
    let (resolved, _) = step(fired.as_ref(), OK, timing(0, 0), at(30));

    let (again, turn) = step(resolved.as_ref(), UP, timing(60, 0), at(60));

    let again = again.unwrap();
    assert_eq!(
        (again.phase, again.active_at, turn),
        (Phase::Pending, at(60), Some(Turn::Pended))
    );
}
