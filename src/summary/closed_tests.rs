use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn days_that_follow_each_other_are_one_run() {
    let days = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-03"].map(day);

    let found = runs(&days);

    assert_eq!(
        found,
        [
            (day("2026-02-27"), day("2026-03-01")),
            (day("2026-03-03"), day("2026-03-03"))
        ]
    );
}

#[test]
fn what_is_taken_out_again_leaves_no_row_behind() {
    let row = |first: &str, value: f64| Row {
        first: first.into(),
        second: String::new(),
        value,
        over: None,
    };
    let mut sums = Sums::default();

    sums.add(vec![row("red_cells", 5.0), row("plasma", 2.0)], 1.0);
    sums.add(vec![row("plasma", 2.0)], -1.0);

    assert_eq!(sums.rows(), [row("red_cells", 5.0)]);
}
