//! Structure of drawn charts: what a reader, a style sheet and a content security policy rely on.

use std::io::Write;

use askama::Template;
use chrono::{Days, NaiveDate};
use scraper::{Html, Selector};

use super::{Chart, Kind, Label, Mark, Series, sparkline, unusual};

/// A chart of one series per row of values, ending on Friday 20 November 2026.
pub(super) fn chart(kind: Kind, rows: &[&[Option<f64>]]) -> Chart<'static> {
    let days = rows.iter().map(|row| row.len()).max().unwrap_or(0) as u64;
    let last = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    let series = |(s, row): (usize, &&[Option<f64>])| Series {
        name: format!("Series {s}"),
        values: row.to_vec(),
    };
    Chart {
        id: "stock".into(),
        title: "Issuable stock".into(),
        unit: "units",
        kind,
        labels: (0..days).rev().map(|back| Label::Day(last - Days::new(back))).collect(),
        series: rows.iter().enumerate().map(series).collect(),
        last_is_partial: false,
        target: None,
        marks: vec![],
        uprights: vec![],
    }
}

/// Thirty uneven values.
fn month(around: f64) -> Vec<Option<f64>> {
    (0..30)
        .map(|day| Some((around + around * 0.2 * (day as f64 * 0.9).sin() + (day * 7 % 11) as f64).round()))
        .collect()
}

fn page(chart: &Chart) -> (String, Html) {
    let text = chart.render().render().unwrap();
    let html = Html::parse_fragment(&text);
    (text, html)
}

fn count(html: &Html, selector: &str) -> usize {
    html.select(&Selector::parse(selector).unwrap()).count()
}

fn words(html: &Html, selector: &str) -> Vec<String> {
    html.select(&Selector::parse(selector).unwrap())
        .map(|element| element.text().collect())
        .collect()
}

const KINDS: [Kind; 4] = [Kind::Line, Kind::Area, Kind::Bars, Kind::StackedBars];

#[test]
fn no_colour_and_no_style_attribute_remain() {
    for kind in KINDS {
        let mut chart = chart(kind, &[&month(400.0), &month(90.0)]);
        (chart.last_is_partial, chart.target) = (true, Some(("Safety stock".into(), 300.0)));
        let (text, _) = page(&chart);

        for forbidden in [
            "style=",
            "fill=",
            "stroke=",
            "stroke-width",
            "opacity",
            "rgb(",
            "#",
            "font-family",
        ] {
            assert!(!text.contains(forbidden), "{kind:?} contains {forbidden}");
        }
    }
}

#[test]
fn every_drawn_element_has_a_class() {
    for kind in KINDS {
        let (_, html) = page(&chart(kind, &[&month(400.0), &month(90.0)]));

        assert!(count(&html, ".chart-plot svg > path") > 4);
        assert_eq!(count(&html, ".chart-plot svg > :not([class]):not(title)"), 0);
    }
}

#[test]
fn names_and_titles_are_escaped() {
    let mut chart = chart(Kind::Line, &[&[Some(1.0), Some(2.0)], &[Some(3.0), None]]);
    chart.series[0].name = "<script>alert(1)</script>".into();
    chart.title = "\"><script>alert(2)</script>".into();
    chart.target = Some(("<script>alert(3)</script>".into(), 2.0));
    chart.unit = "<b>";
    let (text, html) = page(&chart);

    assert!(!text.contains("<script") && !text.contains("<b>"));
    assert!(words(&html, "thead th").contains(&chart.series[0].name));
    assert_eq!(words(&html, "figcaption"), [chart.title]);
}

#[test]
fn the_table_has_a_row_for_every_day_and_says_what_is_missing() {
    let (_, html) = page(&chart(Kind::Bars, &[&[Some(1200.0), None, Some(-3.5)]]));

    assert_eq!(
        words(&html, "tbody th[scope=row]"),
        ["Wed 18 Nov", "Thu 19 Nov", "Fri 20 Nov"]
    );
    assert_eq!(words(&html, "tbody td"), ["1,200", "no data", "\u{2212}3.5"]);
    assert_eq!(words(&html, "thead th[scope=col]"), ["Day", "Series 0"]);
}

#[test]
fn a_missing_day_breaks_the_line_and_is_marked() {
    let (_, whole) = page(&chart(Kind::Line, &[&[Some(4.0), Some(5.0), Some(6.0), Some(7.0)]]));
    let (_, broken) = page(&chart(
        Kind::Line,
        &[&[Some(4.0), Some(5.0), None, Some(6.0), Some(7.0)]],
    ));
    let moves = |html: &Html| {
        let line = html.select(&Selector::parse(".wide .line").unwrap()).next().unwrap();
        line.attr("d").unwrap().matches('M').count()
    };

    assert_eq!((moves(&whole), count(&whole, ".wide .gap")), (1, 0));
    assert_eq!((moves(&broken), count(&broken, ".wide .gap")), (2, 1));
    assert!(words(&broken, ".chart-legend li").contains(&"no data".into()));
}

#[test]
fn a_zero_bar_is_drawn_and_a_missing_one_is_not() {
    let (_, html) = page(&chart(Kind::Bars, &[&[Some(0.0), None, Some(8.0)]]));
    let bars = html.select(&Selector::parse(".wide .bar").unwrap()).next().unwrap();

    assert_eq!(bars.attr("d").unwrap().matches('M').count(), 2);
}

#[test]
fn the_unfinished_day_is_dashed_named_and_left_out_of_the_summary() {
    for (kind, mark) in [
        (Kind::Line, ".line.partial"),
        (Kind::Area, ".area.partial"),
        (Kind::Bars, ".bar.partial"),
    ] {
        let mut chart = chart(kind, &[&[Some(9.0), Some(8.0), Some(7.0), Some(1.0)]]);
        chart.last_is_partial = true;
        let (_, html) = page(&chart);

        assert_eq!(count(&html, &format!(".wide {mark}")), 1, "{kind:?}");
        assert_eq!(words(&html, ".wide .note"), ["incomplete"]);
        assert_eq!(words(&html, "tbody tr:last-child th"), ["Fri 20 Nov (incomplete)"]);
        assert!(words(&html, ".chart-summary")[0].ends_with("; 20 Nov is incomplete"));
        assert!(!words(&html, ".chart-summary")[0].contains("lowest 1 "));
    }
}

#[test]
fn the_summary_says_where_it_began_ended_and_was_lowest() {
    let (_, html) = page(&chart(Kind::Line, &[&[Some(412.0), Some(371.0), None, Some(388.0)]]));

    assert_eq!(
        words(&html, ".chart-summary"),
        ["Issuable stock, 4 days: from 412 to 388, lowest 371 on 18 Nov"]
    );
}

#[test]
fn both_drawings_are_images_with_a_name_and_a_description() {
    let (_, html) = page(&chart(Kind::Line, &[&month(400.0)]));

    for class in ["wide", "narrow"] {
        assert_eq!(
            words(
                &html,
                &format!("svg.{class}[role=img][aria-labelledby=stock-{class}] > #stock-{class}")
            ),
            ["Issuable stock"]
        );
    }
    assert_eq!(count(&html, "svg[aria-describedby=stock-s]"), 2);
    assert_eq!(count(&html, "#stock-s"), 1);
    assert_eq!(count(&html, "figure[tabindex='0'] [aria-live=polite]"), 1);
}

#[test]
fn bars_and_areas_start_at_zero_and_a_distant_line_does_not() {
    let labels = |kind| words(&page(&chart(kind, &[&[Some(400.0), Some(410.0)]])).1, ".wide .value");

    assert_eq!(labels(Kind::Bars)[0], "0");
    assert_eq!(labels(Kind::Area)[0], "0");
    assert_ne!(labels(Kind::Line)[0], "0");
}

#[test]
fn a_long_chart_labels_months_and_its_table_names_the_year() {
    let (_, html) = page(&chart(Kind::Line, &[&[Some(7.0); 365]]));

    assert_eq!(words(&html, ".wide .day").last().unwrap(), "Nov \u{2019}26");
    assert_eq!(words(&html, "tbody th")[0], "Fri 21 Nov 25");
}

#[test]
fn an_empty_chart_says_so_and_draws_nothing() {
    let (_, never) = page(&chart(Kind::Line, &[]));
    let (_, silent) = page(&chart(Kind::StackedBars, &[&[None, Some(f64::NAN)]]));

    assert_eq!(words(&never, ".chart-empty p"), ["Nothing has been recorded yet."]);
    assert_eq!(words(&silent, ".chart-empty p"), ["No data from 19 Nov to 20 Nov."]);
    assert_eq!(count(&silent, "svg.wide, figure[tabindex]"), 0);
}

#[test]
fn odd_values_never_break_a_drawing() {
    let rows: [&[Option<f64>]; 8] = [
        &[Some(0.0)],
        &[Some(-5.0), Some(-5.0)],
        &[Some(1e300), Some(-1e300)],
        &[Some(f64::MAX), Some(f64::MIN)],
        &[Some(1e-300), Some(2e-300)],
        &[Some(f64::INFINITY), None, Some(3.0)],
        &[Some(7.0); 800],
        &[None, None, Some(0.1)],
    ];
    for row in rows {
        for kind in KINDS {
            let mut chart = chart(kind, &[row, &row[..1]]);
            chart.last_is_partial = row.len() % 2 == 0;

            let (text, html) = page(&chart);
            assert_eq!(count(&html, "figure.chart"), 1);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{row:?}");
        }
    }
}

#[test]
fn a_month_of_three_series_fits_in_two_and_a_half_kilobytes() {
    for kind in KINDS {
        let parts = [&month(40.0)[..], &month(14.0), &month(20.0)];
        let rows = if kind == Kind::Bars { &parts[..1] } else { &parts };
        let (text, _) = page(&chart(kind, rows));
        let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();

        let size = gzip.finish().unwrap().len();
        assert!(size <= 2_500, "{kind:?}: {size} bytes");
    }
}

#[test]
fn a_sparkline_breaks_at_missing_values_and_ends_in_a_dot() {
    let line = sparkline(&[Some(1.0), Some(3.0), None, Some(2.0), Some(2.0), None]);

    assert_eq!(line.matches('M').count(), 2);
    assert_eq!(line.matches("<circle").count(), 1);
    assert!(line.contains("aria-hidden=\"true\"") && !line.contains('#'));
    assert!(!sparkline(&[None]).contains("path") && !sparkline(&[]).contains("path"));
}

#[test]
fn an_unusual_day_has_a_wedge_of_its_own_and_is_told_in_words() {
    for kind in KINDS {
        let mut chart = chart(kind, &[&month(400.0), &month(90.0)]);
        let usual = page(&chart).1;
        chart.marks = vec![
            Mark {
                series: 1,
                day: 12,
                words: "4.1 x above the usual Tuesday".into(),
            },
            // beyond the chart
            Mark {
                series: 2,
                day: 12,
                words: "not drawn".into(),
            },
        ];
        let (text, html) = page(&chart);

        assert_eq!(count(&usual, ".unusual"), 0);
        assert_eq!(count(&html, ".chart-plot .unusual"), 2, "wide and narrow");
        assert_eq!(count(&html, ".chart-legend .unusual"), 1);
        let told = "3 Nov unusual: Series 1 4.1 x above the usual Tuesday";
        assert!(
            words(&html, ".chart-legend li").iter().any(|item| item == told),
            "{text}"
        );
        assert!(words(&html, ".chart-summary")[0].contains(told));
        assert!(
            words(&html, "tbody th")
                .contains(&"Tue 3 Nov (unusual: Series 1 4.1 x above the usual Tuesday)".to_owned())
        );
        assert!(!text.contains("not drawn"));
    }
}

#[test]
fn a_day_far_from_what_is_usual_is_found_and_an_unfinished_one_is_not() {
    // what is usual has to be known for some months before a day counts as unusual
    let mut counts = vec![month(40.0); 6].concat();
    counts[170] = Some(900.0);
    let mut chart = chart(Kind::Bars, &[&counts]);
    let found = |chart: &Chart, partial| -> Vec<usize> {
        let marks = unusual(&chart.series, &chart.labels, partial);
        marks.iter().map(|mark| mark.day).collect()
    };

    assert_eq!(found(&chart, false), [170]);

    chart.labels.truncate(171);
    assert_eq!(found(&chart, true), [0usize; 0]);
}

#[test]
fn windows_are_named_by_their_times_and_bins_by_their_values() {
    let mut windows = chart(Kind::Line, &[&month(40.0)]);
    let start = NaiveDate::from_ymd_opt(2026, 11, 20)
        .unwrap()
        .and_hms_opt(12, 0, 0)
        .unwrap();
    windows.labels = (0..30)
        .map(|at| Label::Time(start + chrono::TimeDelta::minutes(at)))
        .collect();
    let mut bins = chart(Kind::Bars, &[&[Some(3.0), Some(5.0)]]);
    bins.labels = vec![Label::Bin(0.0, 10.0), Label::Bin(10.0, 20.0)];
    bins.uprights = vec![super::Upright {
        name: "p50".into(),
        place: 0.4,
        value: 9.0,
    }];

    let (_, by_time) = page(&windows);
    let (_, by_value) = page(&bins);

    assert_eq!(words(&by_time, "tbody tr:last-child th"), ["12:29"]);
    assert!(words(&by_time, ".chart-summary")[0].contains("30 windows"));
    assert_eq!(words(&by_value, "tbody th"), ["0–10", "10–20"]);
    assert!(words(&by_value, ".chart-summary")[0].contains("8 values, the most (5) from 10–20"));
    assert!(words(&by_value, ".chart-legend li").contains(&"p50 9\u{a0}units".to_owned()));
    assert_eq!(count(&by_value, "svg.wide .target"), 1);
}
