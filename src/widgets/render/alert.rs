//! Which shelves are below their level, the worst first.

use sqlx::PgConnection;

use super::{Plain, rendered};
use crate::charts::full;
use crate::error::Result;
use crate::figures::Cut;
use crate::inventory::figures::{Shortfalls, shortfalls};
use crate::inventory::{Filter, Phase};
use crate::web::{EmptyView, LinkView};
use crate::widgets::view::{AlertFragment, AlertRow, AlertView};

const ROWS: u16 = 8;

pub(super) async fn html(tx: &mut PgConnection, plain: &Plain<'_>) -> Result<String> {
    let context = plain.context;
    let cut = Cut {
        facilities: context.ids(),
        first: context.today,
        last: context.today,
        by: vec![],
        group: context.filter.group,
        component: context.filter.component,
    };
    let limit = plain.widget.options.limit.unwrap_or(ROWS);
    let found = shortfalls(tx, &cut, limit.into()).await?;
    rendered(&AlertFragment {
        alert: &view(plain, found),
    })
}

fn view(plain: &Plain<'_>, found: Shortfalls) -> AlertView {
    let context = plain.context;
    let mut frame = plain.frame(plain.title(), context.now);
    frame.href = frame.href.or_else(|| {
        context
            .listed()
            .map(|facility| context.down(Filter::issuable().href(facility)))
    });
    frame.empty = (found.watched == 0).then(|| EmptyView {
        kind: if context.filter.is_empty() { "never" } else { "filter" }.into(),
        title: t!("No shelf has levels").into(),
        text: t!("A shelf is watched once its minimum, reorder and target levels are set.").into(),
        label: if context.filter.is_empty() { "" } else { t!("Show all") }.into(),
        href: if context.filter.is_empty() {
            String::new()
        } else {
            context.unfiltered.clone()
        },
    });
    let (phase, word) = match (found.critical, found.low) {
        (0, 0) => ("good", t!("All good")),
        (0, _) => ("low", Phase::Low.label()),
        _ => ("critical", Phase::Critical.label()),
    };
    let shown = found.worst.len() as i64;
    let rows = found
        .worst
        .into_iter()
        .map(|(facility, level)| {
            let filter = Filter {
                component: Some(level.component),
                group: Some(level.group),
                ..Filter::issuable()
            };
            let phase = level.phase();
            let wanted = level.reorder.unwrap_or_default();
            AlertRow {
                key: format!(
                    "{facility}-{}-{}",
                    level.component,
                    level.group.as_str().replace('+', "pos").replace('-', "neg")
                ),
                href: context
                    .rows
                    .map(|_| context.down(filter.href(facility)))
                    .unwrap_or_default(),
                shelf: format!("{} {}", level.group.label(), level.component.label().to_lowercase()),
                facility: match context.only() {
                    Some(_) => String::new(),
                    None => super::label(super::Dimension::Facility, &facility.to_string(), context),
                },
                units: t!(
                    "{some} of {all}",
                    some = full(level.issuable as f64),
                    all = full(f64::from(wanted))
                ),
                phase: phase.as_str(),
                word: phase.label(),
            }
        })
        .collect();
    AlertView {
        frame,
        phase,
        word,
        sentence: sentence(found.critical, found.low, found.watched),
        rows,
        more: context.listed().filter(|_| found.low > shown).map(|facility| LinkView {
            value: t!("{value} more", value = full((found.low - shown) as f64)),
            href: context.down(Filter::issuable().href(facility)),
        }),
    }
}

fn sentence(critical: i64, low: i64, watched: i64) -> String {
    let shelves = |count: i64| match count {
        1 => t!("1 shelf").to_owned(),
        count => t!("{value} shelves", value = full(count as f64)),
    };
    match (critical, low) {
        (0, 0) => t!("{shelves} at or over the reorder level", shelves = shelves(watched)),
        (0, low) => t!("{shelves} under the reorder level", shelves = shelves(low)),
        (critical, low) if critical == low => t!("{shelves} under the minimum", shelves = shelves(critical)),
        (critical, low) => {
            t!(
                "{shelves} under the minimum, {value} under the reorder level",
                shelves = shelves(critical),
                value = full((low - critical) as f64)
            )
        }
    }
}
