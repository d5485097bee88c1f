use chrono::TimeZone;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn span(from: &str, to: &str, now: &str, name: &str) -> Span {
    Range::read(from, to).unwrap().resolve(at(now), zone(name)).unwrap()
}

fn problem(from: &str, to: &str) -> (Option<String>, Option<String>) {
    let now = at("2026-11-21T12:00:00Z");
    let wrong = Range::read(from, to)
        .and_then(|range| range.resolve(now, Zone::UTC))
        .unwrap_err();
    let crate::error::Error::Invalid(problems) = wrong else {
        panic!("{wrong}")
    };
    (problems.of("from").map(Into::into), problems.of("to").map(Into::into))
}

#[test]
fn today_is_the_day_of_the_zone() {
    let tokyo = span("now/d", "now/d", "2026-11-20T16:00:00Z", "Asia/Tokyo");

    assert_eq!((tokyo.first, tokyo.last), (day("2026-11-21"), day("2026-11-21")));
    assert_eq!(
        (tokyo.start, tokyo.end),
        (at("2026-11-20T15:00:00Z"), at("2026-11-21T15:00:00Z"))
    );
}

#[test]
fn a_day_is_as_long_as_its_zone_makes_it() {
    let short = span("2026-03-29", "2026-03-29", "2026-11-21T12:00:00Z", "Europe/Berlin");
    let long = span("2026-10-25", "2026-10-25", "2026-11-21T12:00:00Z", "Europe/Berlin");

    assert_eq!((short.end - short.start).num_hours(), 23);
    assert_eq!((long.end - long.start).num_hours(), 25);
    assert_eq!((short.days(), long.days()), (1, 1));
}

#[test]
fn days_back_keep_the_wall_and_hours_back_keep_the_length() {
    // the clocks went back during the night between
    let now = "2026-10-25T11:30:00Z"; // 12:30 in Berlin, the day before at 12:30 is 10:30 UTC
    let by_day = span("now-1d", "now", now, "Europe/Berlin");
    let by_hour = span("now-24h", "now", now, "Europe/Berlin");

    assert_eq!(by_day.start, at("2026-10-24T10:30:00Z"));
    assert_eq!(by_hour.start, at("2026-10-24T11:30:00Z"));
}

#[test]
fn a_day_whose_midnight_is_skipped_begins_where_it_begins() {
    let cairo = span("2026-04-24", "2026-04-24", "2026-11-21T12:00:00Z", "Africa/Cairo");

    assert_eq!(cairo.start, at("2026-04-23T22:00:00Z"));
    assert_eq!((cairo.end - cairo.start).num_hours(), 23);
}

#[test]
fn last_week_is_monday_to_sunday_and_last_month_whole() {
    let week = span("now-1w/w", "now-1w/w", "2026-11-21T12:00:00Z", "UTC");
    let month = span("now-1M/M", "now-1M/M", "2026-03-31T12:00:00Z", "UTC");

    assert_eq!((week.first, week.last), (day("2026-11-09"), day("2026-11-15")));
    assert_eq!((month.first, month.last), (day("2026-02-01"), day("2026-02-28")));
}

#[test]
fn a_semi_relative_end_is_not_rounded_up() {
    let morning = span("now/d", "now/d+8h", "2026-11-21T12:00:00Z", "UTC");

    assert_eq!(morning.end, at("2026-11-21T08:00:00Z"));
}

#[test]
fn an_end_in_the_future_is_the_end_of_today() {
    let year = span("now/y", "now/y", "2026-11-21T12:00:00Z", "UTC");

    assert_eq!((year.first, year.last), (day("2026-01-01"), day("2026-11-21")));
}

#[test]
fn four_hundred_days_are_shown_and_one_more_is_refused_with_the_reason() {
    let longest = span("now-399d/d", "now", "2026-11-21T12:00:00Z", "UTC");

    assert_eq!(longest.days(), 400);
    let (from, _) = problem("now-400d/d", "now");
    assert!(from.unwrap().contains("401 days"));
}

#[test]
fn what_makes_no_range_is_refused_beside_its_field() {
    assert!(problem("now-2d", "now-3d").1.unwrap().contains("ends before"));
    assert!(problem("now+1d/d", "now").0.unwrap().contains("future"));
    assert!(problem("now-99999y", "now").0.unwrap().contains("beyond"));
    for text in [
        "",
        "now-",
        "now-d",
        "now/",
        "now/7d",
        "now 7d",
        "now-7x",
        "now-1d-1d-1d-1d-1d",
        "2026-02-30",
        "nowö",
    ] {
        assert!(problem(text, "now").0.is_some(), "{text:?}");
        assert!(problem("now-1d", text).1.is_some(), "{text:?}");
    }
}

#[test]
fn a_range_has_words() {
    let words = |from, to| Range::read(from, to).unwrap().words();

    assert_eq!(words("now-29d/d", "now"), "Last 30 days");
    assert_eq!(words("now-44d/d", "now"), "Last 45 days");
    assert_eq!(words("2026-11-01", "2026-11-21"), "1 Nov 2026 to 21 Nov 2026");
    assert_eq!(words("now-2d", "now"), "now-2d to now");
    for (from, to, name) in QUICK {
        assert_eq!(words(from, to), name);
    }
}

#[test]
fn a_range_keeps_its_texts_and_nothing_else() {
    let json = serde_json::to_value(Range::default()).unwrap();

    assert_eq!(json, serde_json::json!({ "from": "now-29d/d", "to": "now" }));
    assert_eq!(serde_json::from_value::<Range>(json).unwrap(), Range::default());
    assert!(serde_json::from_str::<Range>(r#"{"from":"now","to":"now","zone":"UTC"}"#).is_err());
}

fn moment() -> impl Strategy<Value = Moment> {
    let unit = || prop::sample::select(Unit::ALL.map(|(_, unit)| unit).to_vec());
    let step = prop_oneof![
        (-400..400i32, unit()).prop_map(|(count, unit)| Step::Add(count, unit)),
        unit().prop_map(Step::Floor),
    ];
    prop_oneof![
        prop::collection::vec(step, 0..4).prop_map(Moment::Now),
        (0..40_000u64).prop_map(|days| Moment::Date(NaiveDate::from_ymd_opt(1950, 1, 1).unwrap() + Days::new(days))),
    ]
}

proptest! {
    #[test]
    fn what_was_printed_is_read_again(moment in moment()) {
        prop_assert_eq!(moment.to_string().parse::<Moment>(), Ok(moment));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(now)?[-+/0-9a-zM:T\\PC]{0,12}") {
        let _ = text.parse::<Moment>();
    }

    #[test]
    fn a_resolved_range_is_in_order_and_within_its_days(
        from in moment(),
        to in moment(),
        seconds in 1_000_000_000..2_000_000_000i64,
        name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    ) {
        let (now, zone) = (Utc.timestamp_opt(seconds, 0).unwrap(), zone(name));
        if let Ok(span) = (Range { from, to }).resolve(now, zone) {
            prop_assert!(span.start < span.end);
            prop_assert!(span.first <= span.last && span.last <= local_day(zone, now));
            prop_assert!(span.days() <= LONGEST_DAYS);
            prop_assert!(day_bounds(zone, span.first).0 <= span.start);
            prop_assert!(day_bounds(zone, span.last).1 >= span.end);
        }
    }
}
