//! Channels in the admin area: who is told outside these pages, and whether it worked.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use chrono::NaiveTime;

use super::choice::{self, Beside};
use crate::alerts::channel::{ChannelKind, Target};
use crate::alerts::commands::{self, NewChannel};
use crate::alerts::failure::Failure;
use crate::alerts::group::Muted;
use crate::alerts::model::Severity;
use crate::alerts::queries::{self, ChannelRow};
use crate::app::App;
use crate::auth::Manager;
use crate::clock::age_label;
use crate::error::{Error, Problems, Result};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, options, rejected, saved};
use crate::words::{Language, locale};

#[derive(Template)]
#[template(path = "alerts/channels.html")]
struct ChannelsPage {
    layout: Layout,
    channels: Vec<ChannelView>,
    form: ChannelForm,
    kinds: Vec<OptionView>,
    facilities: Vec<OptionView>,
    severities: Vec<OptionView>,
    languages: Vec<OptionView>,
    beside: Beside,
    /// the secret of the webhook that was just made
    made: Option<String>,
}

struct ChannelView {
    id: i64,
    name: String,
    kind: &'static str,
    hint: String,
    place: String,
    least: &'static str,
    muted: String,
    /// kind and word of its badge
    state: (&'static str, &'static str),
    last: String,
    mine: bool,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChannelForm {
    facility: String,
    name: String,
    kind: String,
    to: String,
    key: String,
    least: String,
    language: String,
    muted_from: String,
    muted_to: String,
}

impl ChannelForm {
    fn channel(&self) -> Result<NewChannel> {
        let mut problems = Problems::default();
        let facility = choice::facility(&self.facility, &mut problems);
        let mut time = |field: &'static str, text: &str| match text.trim() {
            "" => None,
            text => NaiveTime::parse_from_str(text, "%H:%M")
                .inspect_err(|_| problems.add(field, t!("Type a time such as 22:00.")))
                .ok(),
        };
        let (from, to) = (time("muted_from", &self.muted_from), time("muted_to", &self.muted_to));
        if from.is_some() != to.is_some() {
            problems.add("muted_to", t!("Give both times, or none."));
        }
        let kind = self.kind.parse::<ChannelKind>();
        if kind.is_err() {
            problems.add("kind", t!("Choose one of these."));
        }
        problems.check()?;
        Ok(NewChannel {
            facility,
            name: self.name.clone(),
            kind: kind.unwrap_or(ChannelKind::Webhook),
            target: Target {
                to: self.to.trim().into(),
                key: self.key.trim().into(),
            },
            least: self.least.parse().unwrap_or(Severity::Warning),
            // whoever makes it most likely reads what it says
            language: self.language.parse().unwrap_or(locale().language),
            muted: from.zip(to).map(|(from, to)| Muted {
                from,
                to,
                weekdays: Vec::new(),
            }),
        })
    }
}

/// `GET /admin/channels`
pub(super) async fn index(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let form = ChannelForm {
        kind: ChannelKind::Webhook.as_str().into(),
        least: Severity::Warning.as_str().into(),
        language: locale().language.as_str().into(),
        ..ChannelForm::default()
    };
    let page = page(&app, &here, &manager, form).await?;
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}

/// `POST /admin/channels`: the answer shows the secret of a webhook, this once.
pub(super) async fn create(
    State(app): State<App>,
    hx: Hx,
    here: Here,
    manager: Manager,
    Form(form): Form<ChannelForm>,
) -> Result<Response> {
    let done = match form.channel() {
        Ok(new) => commands::add_channel(&app.db, &app.outlets, &manager, &new).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(None) => Ok(saved(hx, "/admin/channels", Done::ChannelAdded)),
        Ok(Some(secret)) => {
            let mut page = page(&app, &here, &manager, ChannelForm::default()).await?;
            page.made = Some(secret);
            Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
        }
        Err(Error::Invalid(problems)) => {
            let mut page = page(&app, &here, &manager, form).await?;
            page.beside = Beside(Some(problems));
            rejected(&page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /admin/channels/{channel_id}/test`
pub(super) async fn test(State(app): State<App>, hx: Hx, manager: Manager, Path(id): Path<i64>) -> Result<Response> {
    commands::test_channel(&app.db, &manager, id).await?;
    Ok(saved(hx, "/admin/channels", Done::ChannelTested))
}

/// `POST /admin/channels/{channel_id}/removal`
pub(super) async fn remove(State(app): State<App>, hx: Hx, manager: Manager, Path(id): Path<i64>) -> Result<Response> {
    commands::remove_channel(&app.db, &manager, id).await?;
    Ok(saved(hx, "/admin/channels", Done::ChannelRemoved))
}

async fn page(app: &App, here: &Here, manager: &Manager, form: ChannelForm) -> Result<ChannelsPage> {
    let layout = app
        .chrome
        .page(manager, here, t!("Alert channels"), "admin/channels")
        .await?;
    let mut tx = app.db.read(&manager.scope()).await?;
    let rows = queries::channels(&mut tx).await?;
    drop(tx);
    let now = app.db.clock.now();
    let mut channels = Vec::with_capacity(rows.len());
    for row in &rows {
        let place = choice::place(app, row.facility).await;
        channels.push(ChannelView::of(row, place, manager, now));
    }
    Ok(ChannelsPage {
        layout,
        channels,
        kinds: options(
            ChannelKind::ALL.iter().map(|one| (one.as_str(), one.label())),
            &form.kind,
        ),
        facilities: choice::facilities(app, manager, &form.facility).await?,
        severities: options(Severity::ALL.iter().map(|one| (one.as_str(), one.label())), &form.least),
        languages: options(
            Language::ALL.iter().map(|one| (one.as_str(), one.own_name())),
            &form.language,
        ),
        form,
        beside: Beside::default(),
        made: None,
    })
}

impl ChannelView {
    fn of(row: &ChannelRow, place: String, manager: &Manager, now: chrono::DateTime<chrono::Utc>) -> Self {
        let (state, last) = match (&row.last_error, row.last_sent_at) {
            (Some(code), _) => {
                let words = Failure::read(code).map_or_else(String::new, Failure::words);
                (("critical", t!("Failing")), words)
            }
            (None, Some(at)) => (("good", t!("Good")), t!("told {age} ago", age = age_label(now - at))),
            (None, None) => (("", t!("Not used yet")), String::new()),
        };
        ChannelView {
            id: row.id,
            name: row.name.clone(),
            kind: row.kind.label(),
            hint: row.hint.clone(),
            place,
            least: row.least.label(),
            muted: row.muted.as_ref().map_or_else(String::new, |muted| {
                t!(
                    "not from {from} to {to}",
                    from = muted.from.format("%H:%M"),
                    to = muted.to.format("%H:%M")
                )
            }),
            state,
            last,
            mine: manager.network_admin || row.facility.is_some_and(|facility| manager.manages(facility)),
        }
    }
}
