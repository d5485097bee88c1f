//! Figures in rows and columns, and the rows behind a figure.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{Look, label, missing_is_zero, ordered, rendered};
use crate::charts::{full, rounded};
use crate::error::Result;
use crate::figures::{Dimension, Row};
use crate::web::{EmptyView, LinkView};
use crate::widgets::compose::Loads;
use crate::widgets::source::{Items, total};
use crate::widgets::view::{TableFragment, TableRow, TableView};
use crate::widgets::{Nature, Query, State};

const ROWS: u16 = 40;
const COLUMNS: usize = 12;
const LISTED: u16 = 8;

pub async fn html(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let query = look.query();
    let frame = loads.frame(tx, look, &query).await?;
    let Some(&by) = look.by.first().filter(|_| !frame.rows.is_empty()) else {
        return look.nothing(frame.as_of);
    };
    let nature = look.measure.nature;
    let text = |value: Option<f64>| match value {
        Some(value) => rounded(value, look.widget.options.decimals),
        None => "–".into(),
    };
    let mut keys = ordered(by, &frame.rows, |row| &row.first, look.measure, &look.span);
    if by == Dimension::Day {
        // the latest first, as lists of days are read
        keys.reverse();
    }
    let columns: Vec<String> = match look.by.get(1) {
        Some(second) => {
            let mut columns = ordered(*second, &frame.rows, |row| &row.second, look.measure, &look.span);
            columns.truncate(COLUMNS);
            columns
        }
        None => vec![],
    };
    let adds = matches!(nature, Nature::Count) || (nature == Nature::Level && by != Dimension::Day);
    let mut by_key: HashMap<&str, Vec<&Row>> = HashMap::new();
    for row in &frame.rows {
        by_key.entry(&row.first).or_default().push(row);
    }
    let row_of = |key: &String| {
        let of_key = by_key.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
        let zero = missing_is_zero(&frame, look.measure, by, key).then_some(0.0);
        let all = total(of_key.iter().copied(), nature).or(zero);
        let mut cells: Vec<String> = columns
            .iter()
            .map(|column| text(total(of_key.iter().copied().filter(|row| row.second == *column), nature).or(zero)))
            .collect();
        if columns.is_empty() || nature != Nature::Worst {
            cells.push(text(all));
        }
        let state = all.map_or(State::Unknown, |value| look.widget.thresholds.state(value));
        let known = state != State::Unknown;
        TableRow {
            key: key
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                .collect(),
            name: label(by, key, look.context),
            href: look
                .href(&query, &[(by, key)])
                .or_else(|| look.context.narrowed(&[(by, key)]).map(|narrow| narrow.href))
                .unwrap_or_default(),
            cells,
            phase: if known { state.as_str() } else { "" },
            word: if known { state.label() } else { "" },
        }
    };
    let most = usize::from(look.widget.options.limit.unwrap_or(ROWS)).max(1);
    let rows: Vec<TableRow> = keys.iter().take(most).map(row_of).collect();
    let mut heads = vec![look.heading(by)];
    if let Some(second) = look.by.get(1) {
        heads.extend(columns.iter().map(|column| label(*second, column, look.context)));
        if nature != Nature::Worst {
            heads.push(t!("All").into());
        }
    } else {
        heads.push(capital(look.unit(), look.measure.title()));
    }
    let totals = match adds && keys.len() > 1 {
        true => columns
            .iter()
            .map(|column| text(total(frame.rows.iter().filter(|row| row.second == *column), nature)))
            .chain([text(total(frame.rows.iter(), nature))])
            .collect(),
        false => vec![],
    };
    let mut view = TableView {
        frame: look.frame(frame.as_of),
        columns: heads,
        phased: rows.iter().any(|row| !row.word.is_empty()),
        rows,
        totals,
        numbers_from: 1,
        more: None,
    };
    if keys.len() > most {
        view.frame.note = [
            view.frame.note.as_str(),
            &t!("{most} of {keys} rows", most, keys = keys.len()),
        ]
        .iter()
        .filter(|words| !words.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    }
    rendered(&TableFragment { table: &view })
}

fn capital(unit: &str, title: &str) -> String {
    let word = if unit.is_empty() { title } else { unit };
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The rows behind a figure in one facility; over several, how many there are in each.
pub async fn list(tx: &mut PgConnection, look: &Look<'_>, loads: &mut Loads<'_>) -> Result<String> {
    let Some(rows) = look.context.rows else {
        return look.plain().sums_only();
    };
    let limit = look.widget.options.limit.unwrap_or(LISTED);
    let Some(facility) = look.context.only() else {
        let by = [Dimension::Facility];
        let mut widget = look.widget.clone();
        widget.options.limit = Some(limit);
        let apart = Look {
            by: &by,
            widget: &widget,
            ..*look
        };
        return Box::pin(html(tx, &apart, loads)).await;
    };
    let query = look.query();
    let items = look
        .source
        .items(tx, rows, facility, &query, look.context, limit.into())
        .await?;
    let as_of = items.as_of.unwrap_or(look.context.now);
    let mut view = listed(look, &query, items);
    view.frame.as_of_iso = as_of.to_rfc3339();
    view.frame.as_of = look.context.time(as_of);
    rendered(&TableFragment { table: &view })
}

fn listed(look: &Look<'_>, query: &Query, items: Items) -> TableView {
    let mut frame = look.frame(look.context.now);
    frame.empty = items.rows.is_empty().then(|| match look.context.filter.is_empty() {
        true => EmptyView {
            kind: "range".into(),
            title: t!("Nothing to list").into(),
            text: t!("{title}: none at this moment.", title = look.measure.title()),
            label: String::new(),
            href: String::new(),
        },
        false => EmptyView {
            kind: "filter".into(),
            title: t!("Nothing matches the filter").into(),
            text: t!(
                "{title} has nothing for it at this moment.",
                title = look.measure.title()
            ),
            label: t!("Show all").into(),
            href: look.context.unfiltered.clone(),
        },
    });
    let shown = items.rows.len() as i64;
    let more = look
        .href(query, &[])
        .filter(|_| items.total > shown)
        .map(|href| LinkView {
            value: t!("All {value} rows", value = full(items.total as f64)),
            href,
        });
    let rows: Vec<TableRow> = items
        .rows
        .into_iter()
        .map(|item| {
            let mut cells = item.cells.into_iter();
            TableRow {
                key: item.key,
                name: cells.next().unwrap_or_default(),
                href: item.href,
                cells: cells.collect(),
                phase: item.phase,
                word: item.word,
            }
        })
        .collect();
    TableView {
        frame,
        numbers_from: usize::MAX,
        columns: items.columns.into_iter().map(String::from).collect(),
        phased: rows.iter().any(|row| !row.word.is_empty()),
        rows,
        totals: vec![],
        more,
    }
}
