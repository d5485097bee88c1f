use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn set(names: &[&str]) -> BTreeSet<Labels> {
    names
        .iter()
        .map(|name| Labels::from([("component".to_owned(), (*name).to_owned())]))
        .collect()
}

fn told(seconds: Option<i64>, names: &[&str]) -> Group {
    Group {
        begun_at: at(0),
        told_at: seconds.map(at),
        told: set(names),
    }
}

fn asked(group: &Group, up: &[&str], telling: &[&str], second: i64) -> Telling {
    due(group, &set(up), &set(telling), at(second))
}

#[test]
fn the_first_message_waits_half_a_minute_for_others() {
    let new = told(None, &[]);

    assert_eq!(asked(&new, &["a"], &["a"], 29), Telling::Wait);
    assert_eq!(asked(&new, &["a", "b"], &["a", "b"], 30), Telling::Tell);
}

#[test]
fn what_is_in_order_again_within_the_wait_is_no_message() {
    assert_eq!(asked(&told(None, &[]), &[], &[], 20), Telling::Forget);
}

#[test]
fn news_comes_every_five_minutes_at_most() {
    let group = told(Some(30), &["a"]);

    assert_eq!(asked(&group, &["a", "b"], &["a", "b"], 329), Telling::Wait);
    assert_eq!(asked(&group, &["a", "b"], &["a", "b"], 330), Telling::Tell);
    assert_eq!(asked(&group, &[], &[], 329), Telling::Wait);
    assert_eq!(asked(&group, &[], &[], 330), Telling::Tell);
}

#[test]
fn the_same_is_said_again_after_four_hours_and_not_before() {
    let group = told(Some(0), &["a"]);

    assert_eq!(asked(&group, &["a"], &["a"], 4 * 3600 - 1), Telling::Wait);
    assert_eq!(asked(&group, &["a"], &["a"], 4 * 3600), Telling::Tell);
}

#[test]
fn what_somebody_took_on_or_silenced_is_neither_news_nor_repeated() {
    let group = told(Some(0), &["a"]);

    assert_eq!(asked(&group, &["a"], &[], 5 * 3600), Telling::Wait);
    assert_eq!(asked(&told(None, &[]), &["a"], &[], 3600), Telling::Wait);
}

#[test]
fn when_all_has_ended_and_was_said_the_group_is_forgotten() {
    assert_eq!(asked(&told(Some(0), &[]), &[], &[], 1), Telling::Forget);
}

#[test]
fn a_night_that_is_muted_reaches_into_the_next_morning() {
    let night = Muted {
        from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
        to: NaiveTime::from_hms_opt(6, 0, 0).unwrap(),
        weekdays: vec![5],
    };
    // 2026-11-27 is a Friday
    let local = |day, hour| {
        chrono::NaiveDate::from_ymd_opt(2026, 11, day)
            .unwrap()
            .and_hms_opt(hour, 0, 0)
            .unwrap()
    };

    assert!(night.holds(local(27, 22)));
    assert!(night.holds(local(28, 5)));
    assert!(!night.holds(local(28, 6)));
    assert!(!night.holds(local(28, 23)));
    assert!(!night.holds(local(27, 5)));
}
