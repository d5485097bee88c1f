//! `/account/preferences`.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::commands;
use crate::app::App;
use crate::auth::{Access, CurrentUser, DateFormat, Preferences, Refresh, Start};
use crate::clock::Zone;
use crate::error::{Problems, Result};
use crate::users::routes::page;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, OptionView, Routes, options, rejected, saved};
use crate::words::{Language, Numbers};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/account/preferences", Access::SignedIn, form)
        .post("/account/preferences", Access::SignedIn, save)
}

/// `GET /account/preferences`
#[derive(Template)]
#[template(path = "auth/preferences.html")]
struct PreferencesPage<'a> {
    layout: &'a Layout,
    languages: Vec<OptionView>,
    numbers: Vec<OptionView>,
    zone: String,
    zones: Vec<&'static str>,
    zone_problem: String,
    dates: Vec<OptionView>,
    starts: Vec<OptionView>,
    refreshes: Vec<OptionView>,
    theme: String,
    mail_access: bool,
    /// mails are sent at all
    by_mail: bool,
}

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PreferencesForm {
    /// empty = what the browser asks for
    #[serde(default)]
    language: String,
    #[serde(default)]
    numbers: Numbers,
    /// an IANA name; empty = the facility's
    #[serde(default)]
    zone: String,
    dates: DateFormat,
    refresh: Refresh,
    /// `usual`, `network`, or the id of a facility
    start: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    mail_access: bool,
}

impl PreferencesForm {
    fn of(user: &CurrentUser) -> Self {
        let Preferences {
            language,
            numbers,
            zone,
            dates,
            refresh,
            start,
            mail_access,
        } = user.preferences;
        PreferencesForm {
            language: language.map_or("", Language::as_str).into(),
            numbers,
            zone: zone.map_or("", |zone: Zone| zone.as_str()).into(),
            dates,
            refresh,
            start: match start {
                Start::Usual => "usual".into(),
                Start::Network => "network".into(),
                Start::Facility(facility) => facility.to_string(),
            },
            theme: user.theme.clone(),
            mail_access,
        }
    }

    fn read(&self, user: &CurrentUser) -> Result<Preferences> {
        let mut problems = Problems::default();
        let zone = match self.zone.trim() {
            "" => None,
            name => {
                let zone = name.parse::<Zone>();
                if zone.is_err() {
                    problems.add(
                        "zone",
                        t!("There is no such time zone. Choose one such as Europe/Berlin, or leave it empty."),
                    );
                }
                zone.ok()
            }
        };
        let start = match self.start.as_str() {
            "network" => Start::Network,
            id => match id.parse() {
                Ok(facility) if user.role_in(facility).is_some() => Start::Facility(facility),
                _ => Start::Usual,
            },
        };
        problems.check()?;
        Ok(Preferences {
            language: self.language.parse().ok(),
            numbers: self.numbers,
            zone,
            dates: self.dates,
            refresh: self.refresh,
            start,
            mail_access: self.mail_access,
        })
    }

    async fn page<'a>(
        &self,
        app: &App,
        user: &CurrentUser,
        layout: &'a Layout,
        problems: &Problems,
    ) -> Result<PreferencesPage<'a>> {
        let mut starts: Vec<(String, String)> = vec![
            ("usual".into(), t!("My first facility").into()),
            ("network".into(), t!("The network").into()),
        ];
        for facility in app.chrome.all().await? {
            if user.role_in(facility.id).is_some() {
                starts.push((facility.id.to_string(), facility.name.clone()));
            }
        }
        Ok(PreferencesPage {
            layout,
            languages: options(
                [("", t!("As the browser asks"))]
                    .into_iter()
                    .chain(Language::ALL.iter().map(|one| (one.as_str(), one.label()))),
                &self.language,
            ),
            numbers: options(
                Numbers::ALL.iter().map(|one| (one.as_str(), one.label())),
                self.numbers.as_str(),
            ),
            zone: self.zone.clone(),
            zones: Zone::all().map(|zone| zone.as_str()).collect(),
            zone_problem: problems.of("zone").unwrap_or_default().to_owned(),
            dates: options(
                DateFormat::ALL.iter().map(|one| (one.as_str(), one.label())),
                self.dates.as_str(),
            ),
            starts: options(starts.iter().map(|(value, label)| (&**value, &**label)), &self.start),
            refreshes: options(
                Refresh::ALL.iter().map(|one| (one.as_str(), one.label())),
                self.refresh.as_str(),
            ),
            theme: self.theme.clone(),
            mail_access: self.mail_access,
            by_mail: app.mail.is_on(),
        })
    }
}

async fn form(State(app): State<App>, here: Here, user: CurrentUser) -> Result<Response> {
    let layout = app.chrome.page(&user, &here, t!("Preferences"), "account").await?;
    page(
        &PreferencesForm::of(&user)
            .page(&app, &user, &layout, &Problems::default())
            .await?,
    )
}

/// `POST /account/preferences`
async fn save(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    user: CurrentUser,
    Form(form): Form<PreferencesForm>,
) -> Result<Response> {
    let theme = if form.theme.is_empty() { "system" } else { &form.theme };
    let outcome = match form.read(&user) {
        Ok(preferences) => commands::save(&app.db, &user, &preferences, theme).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => {
            app.auth.people.forget(user.id);
            Ok(saved(hx, "/account/preferences", Done::PreferencesSaved))
        }
        Err(crate::error::Error::Invalid(problems)) => {
            let layout = app.chrome.page(&user, &here, t!("Preferences"), "account").await?;
            rejected(&form.page(&app, &user, &layout, &problems).await?)
        }
        Err(error) => Err(error),
    }
}
