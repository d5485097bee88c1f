//! The stock matrix: eight groups by components, each shelf with its units, its days and its phase.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::builtin::Look;
use super::view::*;
use crate::blood::{BloodGroup, Component};
use crate::charts::full;
use crate::error::{Error, Result};
use crate::inventory::{self, Filter, Level};
use crate::reference;
use crate::web::{EmptyView, LinkView};

pub async fn view(tx: &mut PgConnection, look: &Look<'_>) -> Result<MatrixView> {
    let levels = inventory::queries::levels(tx, look.facility.id).await?;
    let id = look.facility.id;
    let sum = |wanted: &dyn Fn(&Level) -> bool| {
        levels
            .iter()
            .filter(|level| wanted(level))
            .map(|level| level.issuable)
            .sum::<i64>()
    };
    let link = |units: i64, filter: Filter| LinkView {
        value: full(units as f64),
        href: filter.href(id),
    };
    let rows = BloodGroup::ALL
        .iter()
        .map(|&group| MatrixRow {
            group: group.label().into(),
            cells: levels
                .iter()
                .filter(|level| level.group == group)
                .map(|level| cell(look, level))
                .collect(),
            total: link(
                sum(&|level| level.group == group),
                Filter {
                    group: Some(group),
                    ..Filter::issuable()
                },
            ),
        })
        .collect();
    let mut totals: Vec<LinkView> = Component::ALL
        .iter()
        .map(|&component| {
            link(
                sum(&|level| level.component == component),
                Filter {
                    component: Some(component),
                    ..Filter::issuable()
                },
            )
        })
        .collect();
    totals.push(link(sum(&|_| true), Filter::issuable()));
    let mut frame = look.frame(
        "matrix",
        t!("Stock by group and component"),
        Some(Filter::issuable().href(id)),
    );
    frame.note = t!(
        "issuable units, days they last at the demand of the last 28 days{aims}",
        aims = aims(&reference::days_of_stock(&mut *tx).await?)
    );
    frame.empty = levels
        .iter()
        .all(|level| level.issuable == 0 && level.daily_demand.is_none())
        .then(|| EmptyView {
            kind: "never".into(),
            title: t!("No stock yet").into(),
            text: t!("As soon as units are received, they stand here by group and component.").into(),
            label: t!("Receive stock").into(),
            href: format!("/facilities/{id}/inventory/new"),
        });
    Ok(MatrixView {
        frame,
        components: Component::ALL
            .iter()
            .map(|component| component.label().into())
            .collect(),
        rows,
        totals,
    })
}

/// `; the network aims at 6 days of red cells, 1 of platelets`
fn aims(days: &BTreeMap<Component, f64>) -> String {
    let aims: Vec<String> = days
        .iter()
        .map(|(component, days)| t!("{days} d of {what}", days, what = component.label().to_lowercase()))
        .collect();
    match aims.is_empty() {
        true => String::new(),
        false => t!("; the network aims at {list}", list = aims.join(", ")),
    }
}

pub fn failed(look: &Look<'_>, error: &Error) -> MatrixView {
    MatrixView {
        frame: look.failed("matrix", t!("Stock by group and component"), error),
        ..MatrixView::default()
    }
}

fn cell(look: &Look<'_>, level: &Level) -> MatrixCell {
    let filter = Filter {
        component: Some(level.component),
        group: Some(level.group),
        ..Filter::issuable()
    };
    let phase = level.phase();
    MatrixCell {
        mark: format!(
            "{}:{}",
            level.group.as_str().replace('+', "pos").replace('-', "neg"),
            level.component.as_str()
        ),
        units: full(level.issuable as f64),
        href: filter.href(look.facility.id),
        days: level.days().map_or_else(|| "–".into(), |days| format!("{days:.1} d")),
        phase: phase.as_str().into(),
        word: phase.label().into(),
    }
}
