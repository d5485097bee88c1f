//! The stock matrix: eight groups by components, each shelf with its units, its days and its phase.

use sqlx::PgConnection;

use super::{Plain, rendered};
use crate::blood::{BloodGroup, Component};
use crate::charts::full;
use crate::error::Result;
use crate::inventory::{self, Filter, Level};
use crate::web::{EmptyView, LinkView};
use crate::widgets::compose::Loads;
use crate::widgets::view::{MatrixCell, MatrixFragment, MatrixRow, MatrixView};
use crate::widgets::{Context, Dimension};

pub(super) async fn html(tx: &mut PgConnection, plain: &Plain<'_>, _: &mut Loads<'_>) -> Result<String> {
    let context = plain.context;
    let levels: Vec<Level> = inventory::queries::levels_of(tx, &context.ids(), false)
        .await?
        .into_iter()
        .map(|(_, level)| level)
        .filter(|level| context.filter.group.is_none_or(|group| group == level.group))
        .filter(|level| {
            context
                .filter
                .component
                .is_none_or(|component| component == level.component)
        })
        .collect();
    rendered(&MatrixFragment {
        matrix: &view(plain, &levels),
    })
}

fn view(plain: &Plain<'_>, levels: &[Level]) -> MatrixView {
    let context = plain.context;
    let href = |filter: Filter| {
        context
            .listed()
            .map(|facility| context.down(filter.href(facility)))
            .unwrap_or_default()
    };
    let sum = |wanted: &dyn Fn(&Level) -> bool| {
        levels
            .iter()
            .filter(|level| wanted(level))
            .map(|level| level.issuable)
            .sum::<i64>()
    };
    let link = |units: i64, filter: Filter| LinkView {
        value: full(units as f64),
        href: href(filter),
    };
    let groups = BloodGroup::ALL
        .iter()
        .copied()
        .filter(|group| levels.iter().any(|level| level.group == *group));
    let components: Vec<Component> = Component::ALL
        .iter()
        .copied()
        .filter(|component| levels.iter().any(|level| level.component == *component))
        .collect();
    let rows = groups
        .map(|group| MatrixRow {
            group: group.label().into(),
            cells: levels
                .iter()
                .filter(|level| level.group == group)
                .map(|level| cell(level, context, &href))
                .collect(),
            total: link(
                sum(&|level| level.group == group),
                Filter {
                    group: Some(group),
                    ..context_filter(plain)
                },
            ),
        })
        .collect();
    let mut totals: Vec<LinkView> = components
        .iter()
        .map(|&component| {
            let filter = Filter {
                component: Some(component),
                ..context_filter(plain)
            };
            link(sum(&|level| level.component == component), filter)
        })
        .collect();
    totals.push(link(sum(&|_| true), context_filter(plain)));
    let mut frame = plain.frame(plain.title(), context.now);
    frame.href = frame.href.or_else(|| {
        context
            .listed()
            .map(|facility| context.down(Filter::issuable().href(facility)))
    });
    frame.note = t!("issuable units, days they last at the demand of the last 28 days").into();
    let bare = levels
        .iter()
        .all(|level| level.issuable == 0 && level.daily_demand.is_none());
    frame.empty = bare.then(|| EmptyView {
        kind: "never".into(),
        title: t!("No stock yet").into(),
        text: t!("As soon as units are received, they stand here by group and component.").into(),
        label: t!("Receive stock").into(),
        href: context
            .listed()
            .map(|id| format!("/facilities/{id}/inventory/new"))
            .unwrap_or_default(),
    });
    MatrixView {
        frame,
        components: components.iter().map(|component| component.label().into()).collect(),
        rows,
        totals,
    }
}

/// Issuable units, as the board is narrowed.
fn context_filter(plain: &Plain<'_>) -> Filter {
    Filter {
        group: plain.context.filter.group,
        component: plain.context.filter.component,
        ..Filter::issuable()
    }
}

/// The same board with only this shelf, or with all again.
fn narrowed(context: &Context, level: &Level) -> String {
    let keys = [
        (Dimension::Group, level.group.as_str()),
        (Dimension::Component, level.component.as_str()),
    ];
    context.narrowed(&keys).map_or_else(String::new, |narrow| narrow.href)
}

fn cell(level: &Level, context: &Context, href: &impl Fn(Filter) -> String) -> MatrixCell {
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
        href: match href(filter) {
            // over several facilities there is no list behind it
            empty if empty.is_empty() => narrowed(context, level),
            list => list,
        },
        days: level.days().map_or_else(|| "–".into(), |days| format!("{days:.1} d")),
        phase: phase.as_str().into(),
        word: phase.label().into(),
    }
}
