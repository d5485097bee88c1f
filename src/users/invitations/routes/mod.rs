//! The addresses of invitations: for whoever invites, and for whoever was invited.

mod accept;
mod import;

use axum::extract::{Path, State};
use axum::response::Response;

use super::commands;
use super::queries;
use super::view::{InvitationPage, InvitePage, LinkRow, LinksPage, OfferRow};
use super::{Made, NewInvitation};
use crate::app::App;
use crate::auth::{Access, Manager, Membership, Role};
use crate::error::{Error, Problems, Result};
use crate::ids::FacilityId;
use crate::users::people::routes::managed::{facility_options, managed, name_of};
use crate::users::routes::page;
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Layout, Routes, options, rejected, saved};
use crate::words::Dated;

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/invitation/{invitation}", Access::Public, accept::form)
        .post("/invitation/{invitation}", Access::Public, accept::as_new)
        .post(
            "/invitation/{invitation}/acceptance",
            Access::SignedIn,
            accept::as_oneself,
        )
        .get("/admin/users/new", Access::Manager, new)
        .post("/admin/users", Access::Manager, create)
        .get("/admin/users/import", Access::Manager, import::form)
        .post("/admin/users/import", Access::Manager, import::take)
        .get("/admin/invitations/{invitation_id}", Access::Manager, show)
        .post(
            "/admin/invitations/{invitation_id}/sending",
            Access::Manager,
            send_again,
        )
        .post(
            "/admin/invitations/{invitation_id}/withdrawal",
            Access::Manager,
            withdraw,
        )
}

/// Roles that one invitation can offer.
const MOST_OFFERS: usize = 20;

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    facility: Vec<String>,
    #[serde(default)]
    role: Vec<String>,
    #[serde(default)]
    network_admin: bool,
    /// the button for one more line was pressed
    #[serde(default)]
    more: bool,
}

impl InviteForm {
    /// What was typed, or what cannot be read of it.
    fn read(&self) -> Result<NewInvitation> {
        let mut offers = Vec::new();
        for (facility, role) in self.facility.iter().zip(&self.role) {
            if facility.is_empty() {
                continue;
            }
            let facility: FacilityId = facility
                .parse()
                .map_err(|_| Error::invalid("offers", t!("There is no such facility.")))?;
            let role: Role = role
                .parse()
                .map_err(|_| Error::invalid("offers", t!("There is no such role.")))?;
            offers.push(Membership { facility, role });
        }
        Ok(NewInvitation {
            email: self.email.trim().to_lowercase(),
            name: self.name.trim().to_owned(),
            network_admin: self.network_admin,
            offers,
        })
    }

    async fn page<'a>(
        &self,
        app: &App,
        manager: &Manager,
        layout: &'a Layout,
        problems: &Problems,
    ) -> Result<InvitePage<'a>> {
        let places = managed(app, manager).await?;
        let mut lines: Vec<(String, String)> = self.facility.iter().cloned().zip(self.role.iter().cloned()).collect();
        let only = match &places[..] {
            [one] => one.id.to_string(),
            _ => String::new(),
        };
        if lines.is_empty() {
            lines.push((only, "viewer".into()));
        }
        if self.more {
            lines.push((String::new(), "viewer".into()));
        }
        let memberships = || Role::ALL.iter().filter(|role| **role != Role::NetworkAdmin);
        let of = |field: &str| problems.of(field).unwrap_or_default().to_owned();
        Ok(InvitePage {
            layout,
            email: self.email.clone(),
            full_name: self.name.clone(),
            offers: lines
                .iter()
                .take(MOST_OFFERS)
                .map(|(facility, role)| OfferRow {
                    facilities: facility_options(&places, facility, t!("Choose a facility")),
                    roles: options(memberships().map(|role| (role.as_str(), role.label())), role),
                })
                .collect(),
            network_admin: self.network_admin,
            by_network: manager.network_admin,
            by_mail: app.mail.is_on(),
            email_problem: of("email"),
            name_problem: of("name"),
            offers_problem: of("offers"),
        })
    }
}

/// `GET /admin/users/new`
async fn new(State(app): State<App>, here: Here, manager: Manager) -> Result<Response> {
    let layout = app
        .chrome
        .page(&manager, &here, t!("Invite somebody"), "admin/users")
        .await?;
    let form = InviteForm::default();
    page(&form.page(&app, &manager, &layout, &Problems::default()).await?)
}

/// `POST /admin/users`: the same answer whether or not the address has an account elsewhere.
async fn create(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Form(form): Form<InviteForm>,
) -> Result<Response> {
    let layout = app
        .chrome
        .page(&manager, &here, t!("Invite somebody"), "admin/users")
        .await?;
    if form.more {
        return page(&form.page(&app, &manager, &layout, &Problems::default()).await?);
    }
    let places = managed(&app, &manager).await?;
    let name = |id: FacilityId| name_of(&places, id.0);
    let made = match form.read() {
        Ok(new) => commands::invite(&app.db, &app.mail, &manager, &new, &name).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => told(&app, &layout, hx, vec![made]),
        Err(Error::Invalid(problems)) => rejected(&form.page(&app, &manager, &layout, &problems).await?),
        Err(error) => Err(error),
    }
}

/// By mail, and on to the list; where there is none, the links on a page that is shown once.
fn told(app: &App, layout: &Layout, hx: Hx, made: Vec<Made>) -> Result<Response> {
    if app.mail.is_on() {
        return Ok(saved(hx, "/admin/users", Done::Invited));
    }
    let link = |made: Made| LinkRow {
        link: app.mail.link(&format!("/invitation/{}", made.token.reveal())),
        email: made.email,
    };
    page(&LinksPage {
        layout,
        links: made.into_iter().map(link).collect(),
    })
}

/// `GET /admin/invitations/{invitation_id}`
async fn show(State(app): State<App>, here: Here, manager: Manager, Path(id): Path<i64>) -> Result<Response> {
    let mut tx = app.db.read(&manager.scope()).await?;
    let open = queries::find(&mut tx, id, manager.network_admin).await?;
    drop(tx);
    let places = managed(&app, &manager).await?;
    let layout = app.chrome.page(&manager, &here, &open.name, "admin/users").await?;
    page(&InvitationPage {
        layout: &layout,
        id,
        offers: commands::words(&open.offers, open.network_admin, &|id| name_of(&places, id.0)),
        since: open.created_at.dated("%-d %B %Y"),
        until: open.expires_at.dated("%-d %B %Y"),
        over: open.is_over(app.db.clock.now()),
        may_send: manager.network_admin || (!open.elsewhere && !open.network_admin),
        by_mail: app.mail.is_on(),
        full_name: open.name,
        email: open.email,
        by: open.by_name,
    })
}

/// `POST /admin/invitations/{invitation_id}/sending`
async fn send_again(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    manager: Manager,
    Path(id): Path<i64>,
) -> Result<Response> {
    let places = managed(&app, &manager).await?;
    let name = |id: FacilityId| name_of(&places, id.0);
    let made = commands::send_again(&app.db, &app.mail, &manager, id, &name).await?;
    let layout = app
        .chrome
        .page(&manager, &here, t!("Invitation"), "admin/users")
        .await?;
    told(&app, &layout, hx, vec![made])
}

/// `POST /admin/invitations/{invitation_id}/withdrawal`
async fn withdraw(State(app): State<App>, hx: Hx, manager: Manager, Path(id): Path<i64>) -> Result<Response> {
    commands::withdraw(&app.db, &manager, id).await?;
    Ok(saved(hx, "/admin/users", Done::Withdrawn))
}
