//! The values of a tag with the largest number of the last window, with bars and, where they add up, their shares.

use sqlx::PgConnection;

use super::{Look, last, source};
use crate::charts::{Rank, Ranks};
use crate::error::Result;
use crate::metrics::{Window, WindowKind, queries};
use crate::widgets::State;

/// When the widget does not say.
const ROWS: u16 = 10;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>) -> Result<String> {
    let (asking, widget) = (&look.asking, look.plain.widget);
    let now = look.plain.context.now;
    let of = last(asking.window);
    let window = Window::at(WindowKind::Sliding, asking.window, now);
    let answer = queries::window(tx, &asking.definitions, &asking.metric, window, &asking.grouped(), now).await?;
    let aggregate = asking.named.aggregate;
    let value = |found| aggregate.of(found).map(|value| value * asking.factor());
    let mut groups: Vec<(Option<f64>, String)> = answer
        .groups
        .iter()
        .filter(|(_, found)| found.count > 0)
        .map(|(tags, found)| {
            (
                value(found),
                tags.first().map(|(_, value)| value.clone()).unwrap_or_default(),
            )
        })
        .collect();
    if groups.is_empty() {
        return look.nothing(&of);
    }
    let place = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    groups.sort_by(|a, b| place(b.0).total_cmp(&place(a.0)).then_with(|| a.1.cmp(&b.1)));
    let rest = groups.split_off(groups.len().min(usize::from(widget.options.limit.unwrap_or(ROWS))));
    let rank = |label: String, value: Option<f64>, rest: bool| {
        let state = value.map_or(State::Unknown, |value| widget.thresholds.state(value));
        let known = state != State::Unknown && !rest;
        Rank {
            label,
            href: None,
            narrow: None,
            value,
            rest,
            phase: if known { state.as_str() } else { "" },
            word: if known { state.label() } else { "" },
        }
    };
    let mut ranks: Vec<Rank> = groups
        .into_iter()
        .map(|(value, name)| match name.is_empty() {
            true => rank(t!("Without").into(), value, false),
            false => rank(name, value, false),
        })
        .collect();
    if !rest.is_empty() {
        let sum = aggregate
            .adds_up()
            .then(|| rest.iter().filter_map(|(value, _)| *value).sum());
        ranks.push(rank(t!("{rest} others", rest = rest.len()), sum, true));
    }
    let (id, title) = (look.drawing(), look.title());
    let chart = Ranks {
        id: &id,
        title: &title,
        heading: asking.named.tag.into(),
        unit: look.unit(),
        ranks: &ranks,
        decimals: widget.options.decimals,
        target: None,
        whole: value(&answer.total).filter(|_| aggregate.adds_up()),
    };
    let mut frame = look.frame(&of);
    if aggregate.needs_values() {
        frame.note = format!("{}, {}", frame.note, source(answer.basis));
    }
    look.drawn(frame, chart.render().to_string())
}
