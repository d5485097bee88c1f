//! Windows side by side: a line for each value of a tag, what is not as usual marked.

use sqlx::PgConnection;

use super::{Look, length, source};
use crate::charts::{Chart, Kind, LOOKS, Label, Series, unusual};
use crate::error::Result;
use crate::metrics::along::{Line, Windows, along};
use crate::widgets::view::WidgetFrame;
use crate::widgets::windowed::FURTHEST;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>) -> Result<String> {
    let (asking, context) = (&look.asking, look.plain.context);
    let of = t!(
        "last {reach} by {window}",
        reach = length(asking.reach),
        window = length(asking.window)
    );
    let shown = (asking.reach.num_seconds() / asking.window.num_seconds()).max(1) as usize;
    // what is usual is learned from the same time before
    let lead = shown.min((FURTHEST.num_seconds() / asking.window.num_seconds()) as usize);
    let windows = Windows::until(context.now, asking.window, shown + lead);
    let most = look.plain.widget.options.limit.map_or(LOOKS, usize::from).min(LOOKS);
    let selection = asking.grouped();
    let aggregate = asking.named.aggregate;
    let definitions = &asking.definitions;
    let along = along(tx, definitions, &asking.metric, aggregate, windows, &selection, most).await?;
    let values = |line: &Line| -> Vec<Option<f64>> {
        let of = |window| aggregate.of(window).map(|value| value * asking.factor());
        line.windows.iter().map(of).collect()
    };
    let mut series: Vec<Series> = along
        .lines
        .iter()
        .map(|line| Series {
            name: named(look, line),
            values: values(line),
        })
        .collect();
    let mut labels: Vec<Label> = windows
        .starts()
        .map(|start| Label::Time(context.zone.wall(start)))
        .collect();
    let mut marks = unusual(&series, &labels, true);
    marks.retain(|mark| mark.day >= lead);
    for mark in &mut marks {
        mark.day -= lead;
    }
    labels.drain(..lead);
    for one in &mut series {
        one.values.drain(..lead);
    }
    if series.iter().flat_map(|one| &one.values).all(Option::is_none) {
        return look.nothing(&of);
    }
    let title = look.title();
    let chart = Chart {
        id: look.drawing(),
        title,
        unit: look.unit(),
        kind: Kind::Line,
        labels,
        series,
        last_is_partial: true,
        target: look
            .plain
            .widget
            .thresholds
            .target
            .map(|target| (t!("Target").into(), target)),
        marks,
        uprights: vec![],
    };
    let mut frame: WidgetFrame = look.frame(&of);
    if aggregate.needs_values() {
        frame.note = format!("{}, {}", frame.note, source(along.basis));
    }
    look.drawn(frame, chart.render().to_string())
}

fn named(look: &Look<'_>, line: &Line) -> String {
    match &line.value {
        Some(value) if value.is_empty() => t!("Without").into(),
        Some(value) => value.clone(),
        None if line.values > 1 || !look.asking.named.tag.is_empty() => t!("{rest} others", rest = line.values),
        None => look.name(),
    }
}
