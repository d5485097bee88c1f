//! The sentence that says what a chart shows, for those who do not see it and for those in a hurry.
//! An unfinished day takes no part in it, since its low count is no news.

use super::{Chart, Label};

/// The sentence under the chart, which is its accessible description too; the template puts the title in front for those who hear it.
pub(super) fn sentence(chart: &Chart, has_data: bool) -> String {
    let days = chart.labels.len();
    if !has_data {
        return match days {
            0 => t!("Nothing has been recorded yet.").into(),
            _ => t!(
                "No data from {day} to {last_day}.",
                day = chart.named_day(0),
                last_day = chart.named_day(days - 1)
            ),
        };
    }
    let parts: Vec<_> = (0..chart.series.len()).filter_map(|s| series(chart, s)).collect();
    let timed = matches!(chart.labels.first(), Some(Label::Time(_)));
    let span = match chart.labels.first() {
        Some(Label::Time(_)) => n!("{n} window", "{n} windows", days),
        Some(Label::Bin(..)) => n!("{n} bin", "{n} bins", days),
        _ => n!("{n} day", "{n} days", days),
    };
    let mut told = parts.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    if parts.len() > 3 {
        told.push_str(&n!(
            "; {n} more in the table",
            "; {n} more in the table",
            parts.len() - 3
        ));
    }
    let end = chart
        .partial_day()
        .map(|day| t!("; {day} is incomplete", day = chart.named_day(day)))
        .unwrap_or_default();
    let told = if told.is_empty() {
        if timed {
            t!("no complete window yet")
        } else {
            t!("no complete day yet")
        }
        .into()
    } else {
        told
    };
    let unusual: String = chart
        .marked()
        .map(|mark| t!("; {words}", words = chart.told(mark)))
        .collect();
    format!("{span}: {told}{end}{unusual}")
}

/// What stands over the days of the table.
pub(super) fn heading(chart: &Chart) -> &'static str {
    match chart.labels.first() {
        Some(Label::Time(_)) => t!("Time"),
        Some(Label::Bin(..)) => t!("Values"),
        _ => t!("Day"),
    }
}

fn series(chart: &Chart, s: usize) -> Option<String> {
    let complete = chart.labels.len() - usize::from(chart.last_is_partial);
    let known: Vec<_> = (0..complete)
        .filter_map(|day| Some((day, chart.value(s, day)?)))
        .collect();
    let (first, last) = (known.first()?, known.last()?);
    let name = if chart.series.len() > 1 {
        format!("{} ", chart.series[s].name)
    } else {
        String::new()
    };
    if chart.kind.is_bars() {
        let total: f64 = known.iter().map(|(_, value)| value).sum();
        let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if matches!(chart.labels.first(), Some(Label::Bin(..))) {
            return Some(t!(
                "{total} values, the most ({highest}) from {bin}",
                total = super::full(total),
                highest = super::full(most.1),
                bin = chart.named_day(most.0)
            ));
        }
        return Some(t!(
            "{name}total {total}, highest {highest} on {day}",
            name,
            total = chart.with_unit(total),
            highest = super::full(most.1),
            day = chart.named_day(most.0)
        ));
    }
    let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(t!(
        "{name}from {first} to {last}, lowest {least} on {day}",
        name,
        first = super::full(first.1),
        last = super::full(last.1),
        least = super::full(least.1),
        day = chart.named_day(least.0)
    ))
}
