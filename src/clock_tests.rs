//! The calendar against days that are short, long, skipped or begun twice, and its laws over all zones.
//! The expected instants follow from the rules of each zone, not from this code.

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "Pacific/Apia",
];

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn clones_of_a_clock_move_together() {
    let clock = Clock::system();
    let clone = clock.clone();
    let before = clone.now();

    clock.advance(TimeDelta::days(3));
    clock.advance(TimeDelta::hours(-1));

    assert_eq!(clone.offset(), TimeDelta::hours(71));
    assert!(clone.now() - before >= TimeDelta::hours(71));
    assert_eq!(clone.now().timestamp_subsec_nanos() % 1_000, 0);
    assert_eq!(Clock::system().offset(), TimeDelta::zero());
}

#[test]
fn a_zone_is_its_name_and_an_unknown_name_says_what_was_expected() {
    assert_eq!(zone("Asia/Kathmandu").to_string(), "Asia/Kathmandu");
    assert_eq!(
        serde_json::to_string(&zone("Europe/Berlin")).unwrap(),
        r#""Europe/Berlin""#
    );
    assert_eq!(Zone::UTC.as_str(), "UTC");
    assert!(Zone::all().any(|zone| zone.as_str() == "Africa/Cairo"));
    assert_eq!(
        "Berlin".parse::<Zone>().unwrap_err().to_string(),
        r#""Berlin" is not a time zone: expected a name of the IANA database, such as Europe/Berlin or Asia/Kathmandu"#
    );
}

/// Zone, day, start and end in UTC, as the IANA database has them.
#[test]
fn bounds_of_unusual_days() {
    for (name, date, start, end) in [
        (
            "Europe/Berlin",
            "2026-03-29",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
        ), // 23 h
        (
            "Europe/Berlin",
            "2026-10-25",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        ), // 25 h
        (
            "America/New_York",
            "2026-07-01",
            "2026-07-01T04:00:00Z",
            "2026-07-02T04:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            "2026-04-04T13:00:00Z",
            "2026-04-05T13:30:00Z",
        ), // 24.5 h
        (
            "Asia/Kathmandu",
            "2026-07-01",
            "2026-06-30T18:15:00Z",
            "2026-07-01T18:15:00Z",
        ),
        (
            "Africa/Cairo",
            "2024-04-26",
            "2024-04-25T22:00:00Z",
            "2024-04-26T21:00:00Z",
        ), // midnight is skipped
        (
            "Africa/Cairo",
            "2024-10-31",
            "2024-10-30T21:00:00Z",
            "2024-10-31T22:00:00Z",
        ), // 23:00 to 24:00 is repeated
        (
            "America/Sao_Paulo",
            "2018-11-04",
            "2018-11-04T03:00:00Z",
            "2018-11-05T02:00:00Z",
        ), // midnight is skipped
        (
            "America/Havana",
            "2025-11-02",
            "2025-11-02T04:00:00Z",
            "2025-11-03T05:00:00Z",
        ), // midnight is repeated
        (
            "Pacific/Apia",
            "2011-12-30",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
        ), // the day is skipped
    ] {
        assert_eq!(
            day_bounds(zone(name), day(date)),
            (utc(start), utc(end)),
            "{name} {date}"
        );
    }
}

#[test]
fn a_day_that_the_wall_returns_to_has_ended_all_the_same() {
    let st_johns = zone("America/St_Johns");
    let second_evening = utc("2010-11-07T02:45:00Z"); // 23:15 on the 6th, after 00:00:59 on the 7th

    assert_eq!(st_johns.wall(second_evening).date(), day("2010-11-06"));
    assert_eq!(local_day(st_johns, second_evening), day("2010-11-07"));
}

#[test]
fn a_time_from_a_form_is_the_first_of_two_and_the_end_of_a_gap() {
    let berlin = zone("Europe/Berlin");
    let wall = |text: &str| berlin.instant(text.parse().unwrap());

    assert_eq!(wall("2026-07-01T12:00:00"), utc("2026-07-01T10:00:00Z"));
    assert_eq!(wall("2026-10-25T02:30:00"), utc("2026-10-25T00:30:00Z"));
    assert_eq!(wall("2026-03-29T02:30:00.5"), utc("2026-03-29T01:00:00Z"));
}

#[test]
fn dates_beyond_the_calendar_are_held_to_its_ends() {
    for name in ZONES {
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            let (start, end) = day_bounds(zone(name), date);
            assert!(start <= end);
        }
        assert!((LAST_DAY - local_day(zone(name), DateTime::<Utc>::MAX_UTC)).abs() <= TimeDelta::days(1));
        assert!((FIRST_DAY - local_day(zone(name), DateTime::<Utc>::MIN_UTC)).abs() <= TimeDelta::days(1));
    }
}

#[test]
fn labels_speak_plainly() {
    assert_eq!(
        time_label(zone("Asia/Kathmandu"), utc("2026-07-01T06:18:05Z")),
        "12:03:05"
    );
    for (seconds, label) in [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (239, "3 min"),
        (3_600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
    ] {
        assert_eq!(age_label(TimeDelta::seconds(seconds)), label);
    }
}

fn a_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(ZONES.to_vec()).prop_map(zone)
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop_oneof![a_zone(), prop::sample::select(Zone::all().collect::<Vec<_>>())]
}

/// 1970 to 2069.
fn a_date() -> impl Strategy<Value = NaiveDate> {
    (0..36_500u64).prop_map(|days| day("1970-01-01") + Days::new(days))
}

proptest! {
    #[test]
    fn a_day_ends_where_the_next_begins(zone in any_zone(), date in a_date()) {
        let (start, end) = day_bounds(zone, date);

        prop_assert_eq!(day_bounds(zone, date + Days::new(1)).0, end);
        prop_assert!((0..=26 * 3_600).contains(&(end - start).num_seconds()));
    }

    #[test]
    fn every_instant_lies_in_its_own_day(zone in any_zone(), second in 0i64..3_150_000_000) {
        let instant = DateTime::from_timestamp(second, 0).unwrap();

        let (start, end) = day_bounds(zone, local_day(zone, instant));

        prop_assert!(start <= instant && instant < end, "{start} <= {instant} < {end}");
    }

    #[test]
    fn a_day_holds_its_own_first_and_last_instant(zone in any_zone(), date in a_date()) {
        let (start, end) = day_bounds(zone, date);

        prop_assume!(start < end);

        prop_assert_eq!(local_day(zone, start), date);
        prop_assert_eq!(local_day(zone, end - TimeDelta::nanoseconds(1)), date);
    }

    #[test]
    fn days_add_up_to_the_span_they_cover(zone in a_zone(), first in a_date(), count in 1u64..800) {
        let length = |date| {
            let (start, end) = day_bounds(zone, date);
            end - start
        };

        let sum: TimeDelta = (0..count).map(|n| length(first + Days::new(n))).sum();

        prop_assert_eq!(sum, day_bounds(zone, first + Days::new(count)).0 - day_bounds(zone, first).0);
    }
}
