//! The sentence that says what a chart shows, for those who do not see it and for those in a hurry.
//! An unfinished day takes no part in it, since its low count is no news.

use super::Chart;

/// The sentence under the chart, which is its accessible description too; the template puts the title in front for those who hear it.
pub(super) fn sentence(chart: &Chart, has_data: bool) -> String {
    let days = chart.labels.len();
    if !has_data {
        return match days {
            0 => "Nothing has been recorded yet.".into(),
            _ => format!("No data from {} to {}.", chart.named_day(0), chart.named_day(days - 1)),
        };
    }
    let parts: Vec<_> = (0..chart.series.len()).filter_map(|s| series(chart, s)).collect();
    let span = if days == 1 {
        "1 day".into()
    } else {
        format!("{days} days")
    };
    let mut told = parts.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    if parts.len() > 3 {
        told.push_str(&format!("; {} more in the table", parts.len() - 3));
    }
    let end = chart
        .partial_day()
        .map(|day| format!("; {} is incomplete", chart.named_day(day)))
        .unwrap_or_default();
    let told = if told.is_empty() {
        "no complete day yet".into()
    } else {
        told
    };
    let unusual: String = chart.marked().map(|mark| format!("; {}", chart.told(mark))).collect();
    format!("{span}: {told}{end}{unusual}")
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
        let total = known.iter().map(|(_, value)| value).sum();
        let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        return Some(format!(
            "{name}total {}, highest {} on {}",
            chart.with_unit(total),
            super::full(most.1),
            chart.named_day(most.0)
        ));
    }
    let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(format!(
        "{name}from {} to {}, lowest {} on {}",
        super::full(first.1),
        super::full(last.1),
        super::full(least.1),
        chart.named_day(least.0)
    ))
}
