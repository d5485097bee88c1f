//! Figures by day as lines, areas and bars, and figures by one thing as bars side by side.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{Look, label, missing_is_zero, ordered, rendered};
use crate::charts::{Chart, Kind as Drawing, LOOKS, Label, Rank, Ranks, Series, unusual};
use crate::error::Result;
use crate::figures::Dimension;
use crate::web::Markup;
use crate::widgets::compose::Loads;
use crate::widgets::source::{Frame, total};
use crate::widgets::view::{ChartFragment, ChartView};
use crate::widgets::{Kind, Nature, State};

/// Bars of a chart by category when the widget does not say.
const BARS: u16 = 12;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let frame = loads.frame(tx, look, &look.query()).await?;
    if frame.rows.is_empty() && (frame.known.is_empty() || look.by.len() > 1) {
        return look.nothing(frame.as_of);
    }
    let series = match look.by.get(1) {
        None => vec![Series {
            name: look.measure.title().to_string(),
            values: values(look, &frame, None),
        }],
        Some(second) => split(look, &frame, *second),
    };
    let split = series.len() > 1;
    let labels: Vec<Label> = days(look).map(Label::Day).collect();
    let chart = Chart {
        id: look.drawing(),
        title: look.title(),
        unit: look.unit(),
        kind: match (look.widget.kind, split) {
            (Kind::Area, true) if look.measure.nature != Nature::Ratio => Drawing::StackedArea,
            (Kind::Area, _) => Drawing::Area,
            (Kind::Bar, true) if look.measure.nature == Nature::Count => Drawing::StackedBars,
            (Kind::Bar, _) => Drawing::Bars,
            _ => Drawing::Line,
        },
        marks: unusual(&series, &labels, frame.last_is_partial),
        labels,
        series,
        last_is_partial: frame.last_is_partial,
        uprights: vec![],
        target: look
            .widget
            .thresholds
            .target
            .map(|target| (t!("Target").into(), target)),
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(chart.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}

fn days(look: &Look<'_>) -> impl Iterator<Item = NaiveDate> {
    look.span.first.iter_days().take(look.span.days() as usize)
}

/// One value for each day: of the rows whose second key is among these, or of all.
fn values(look: &Look<'_>, frame: &Frame, keys: Option<&[String]>) -> Vec<Option<f64>> {
    let mut by_day: std::collections::HashMap<&str, Vec<&crate::figures::Row>> = std::collections::HashMap::new();
    for row in frame
        .rows
        .iter()
        .filter(|row| keys.is_none_or(|keys| keys.contains(&row.second)))
    {
        by_day.entry(&row.first).or_default().push(row);
    }
    days(look)
        .map(|day| {
            let day = day.to_string();
            let rows = by_day.get(day.as_str()).map(Vec::as_slice).unwrap_or_default();
            total(rows.iter().copied(), look.measure.nature).or(missing_is_zero(
                frame,
                look.measure,
                Dimension::Day,
                &day,
            )
            .then_some(0.0))
        })
        .collect()
}

/// A series for each key, the smallest together as "Other" where they can be added up.
fn split(look: &Look<'_>, frame: &Frame, second: Dimension) -> Vec<Series> {
    let keys = ordered(second, &frame.rows, |row| &row.second, look.measure, &look.span);
    let most = look.widget.options.limit.map_or(LOOKS, usize::from).min(LOOKS);
    let (shown, rest) = if keys.len() > most {
        keys.split_at(most - 1)
    } else {
        (&keys[..], &[][..])
    };
    let mut series: Vec<Series> = shown
        .iter()
        .map(|key| Series {
            name: label(second, key, look.context),
            values: values(look, frame, Some(std::slice::from_ref(key))),
        })
        .collect();
    if !rest.is_empty() {
        series.push(Series {
            name: t!("{rest} others", rest = rest.len()),
            values: values(look, frame, Some(rest)),
        });
    }
    series
}

pub async fn ranks(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let by = look.by.first().copied().unwrap_or(Dimension::Facility);
    if frame.rows.is_empty() {
        return look.nothing(frame.as_of);
    }
    let keys = ordered(by, &frame.rows, |row| &row.first, look.measure, &look.span);
    let most = usize::from(look.widget.options.limit.unwrap_or(BARS)).max(1);
    let (shown, rest) = if keys.len() > most {
        keys.split_at(most - 1)
    } else {
        (&keys[..], &[][..])
    };
    let sum = |keys: &[String]| {
        total(
            frame.rows.iter().filter(|row| keys.contains(&row.first)),
            look.measure.nature,
        )
    };
    let rank = |name: String, key: Option<&str>, value: Option<f64>| {
        let keys = key.map(|key| (by, key));
        let state = value.map_or(State::Unknown, |value| look.widget.thresholds.state(value));
        let known = state != State::Unknown;
        Rank {
            label: name,
            href: keys.and_then(|keys| look.href(&query, &[keys])),
            narrow: keys.and_then(|keys| look.context.narrowed(&[keys])),
            value,
            rest: false,
            phase: if known { state.as_str() } else { "" },
            word: if known { state.label() } else { "" },
        }
    };
    let mut ranks: Vec<Rank> = shown
        .iter()
        .map(|key| {
            let value =
                sum(std::slice::from_ref(key)).or(missing_is_zero(&frame, look.measure, by, key).then_some(0.0));
            rank(label(by, key, look.context), Some(key), value)
        })
        .collect();
    if !rest.is_empty() {
        ranks.push(Rank {
            rest: true,
            ..rank(t!("{rest} others", rest = rest.len()), None, sum(rest))
        });
    }
    let (id, title) = (look.drawing(), look.title());
    let chart = Ranks {
        id: &id,
        title: &title,
        heading: look.heading(by),
        unit: look.unit(),
        ranks: &ranks,
        decimals: look.widget.options.decimals,
        target: look.widget.thresholds.target,
        whole: None,
    };
    let view = ChartView {
        frame: look.frame(frame.as_of),
        body: Markup(chart.render().to_string()),
    };
    rendered(&ChartFragment { chart: &view })
}
