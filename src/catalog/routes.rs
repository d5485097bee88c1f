//! The pages of catalogs: which are installed, what importing one would do, importing, the file, removing.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, header};

use super::commands::{self, Imported};
use super::view::{CatalogPage, CatalogRow, ImportPage, IndexPage, ShippedRow, StepRow};
use super::{Plan, lines, queries, read, shipped};
use crate::app::App;
use crate::auth::{Access, NetworkAdmin};
use crate::error::{Error, Result};
use crate::web::flash::Done;
use crate::web::{Form, Here, Hx, Routes, rejected, saved};

pub fn routes() -> Routes<App> {
    Routes::default()
        .get("/admin/catalogs", Access::NetworkAdmin, index)
        .get("/admin/catalogs/import", Access::NetworkAdmin, import_form)
        .post("/admin/catalogs/import", Access::NetworkAdmin, import)
        .get("/admin/catalogs/{catalog}", Access::NetworkAdmin, show)
        .get("/admin/catalogs/{catalog}/file", Access::NetworkAdmin, export)
        .post("/admin/catalogs/{catalog}/removal", Access::NetworkAdmin, remove)
}

const ACTIVE: &str = "admin/catalogs";

/// `GET /admin/catalogs`
async fn index(State(app): State<App>, here: Here, NetworkAdmin(person): NetworkAdmin) -> Result<Response> {
    let installed = queries::installed(&app.db).await?;
    let now = app.db.clock.now();
    let shipped = shipped().iter().map(|one| ShippedRow::new(one, &installed)).collect();
    let layout = app.chrome.page(&person, &here, t!("Catalogs"), ACTIVE).await?;
    page(&IndexPage {
        layout: &layout,
        shipped,
        installed: installed.iter().map(|one| CatalogRow::new(one, now)).collect(),
    })
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Choice {
    /// one that the program brings along
    shipped: String,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImportForm {
    content: String,
    /// the fingerprint of the plan that was shown
    seen: String,
    /// `check` says what it would do, `import` does it
    #[serde(rename = "do")]
    act: String,
}

/// `GET /admin/catalogs/import`: of a catalog that the program brings along, with what it would do.
async fn import_form(
    State(app): State<App>,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Query(choice): Query<Choice>,
) -> Result<Response> {
    let layout = app.chrome.page(&person, &here, t!("Import a catalog"), ACTIVE).await?;
    if choice.shipped.is_empty() {
        return page(&ImportPage::empty(&layout));
    }
    let found = shipped().iter().find(|one| one.name == choice.shipped);
    let content = found.ok_or(Error::NotFound)?.text;
    let plan = commands::preview(&app.db, content).await?;
    page(&ImportPage::of(&layout, content, &plan))
}

/// `POST /admin/catalogs/import`
async fn import(
    State(app): State<App>,
    here: Here,
    hx: Hx,
    NetworkAdmin(person): NetworkAdmin,
    Form(form): Form<ImportForm>,
) -> Result<Response> {
    let layout = app.chrome.page(&person, &here, t!("Import a catalog"), ACTIVE).await?;
    let catalog = match read(&form.content) {
        Ok(catalog) => catalog,
        Err(problems) => {
            return rejected(&ImportPage {
                problems: lines(t!("The file"), &problems),
                ..ImportPage::of(&layout, &form.content, &Plan::default())
            });
        }
    };
    if form.act != "import" {
        let plan = commands::preview(&app.db, &form.content).await?;
        return page(&ImportPage::of(&layout, &form.content, &plan));
    }
    match commands::import(&app.db, &person.actor(), &form.content, Some(&form.seen)).await? {
        Imported::Done(_) => {
            // others hear of it; whoever did it sees it at once
            app.ingest.definitions_changed();
            let address = format!("/admin/catalogs/{}", catalog.name);
            Ok(saved(hx, &address, Done::CatalogImported))
        }
        Imported::Not(plan) => rejected(&ImportPage::of(&layout, &form.content, &plan)),
        Imported::Otherwise(plan) => rejected(&ImportPage {
            problems: vec![t!("Something changed meanwhile: look again at what it would do.").into()],
            ..ImportPage::of(&layout, &form.content, &plan)
        }),
    }
}

/// `GET /admin/catalogs/{catalog}`
async fn show(
    State(app): State<App>,
    here: Here,
    NetworkAdmin(person): NetworkAdmin,
    Path(name): Path<String>,
) -> Result<Response> {
    let content = queries::content(&app.db, &name).await?;
    let catalog = read(&content).map_err(Error::Invalid)?;
    let boards = queries::boards(&mut *app.db.unscoped().acquire().await?, &name).await?;
    let whole = Plan::new(&Default::default(), &catalog);
    let layout = app.chrome.page(&person, &here, &catalog.title, ACTIVE).await?;
    page(&CatalogPage {
        layout: &layout,
        parts: whole.steps.iter().map(StepRow::new).collect(),
        lateness: catalog
            .allowed_lateness
            .map_or(t!("any age").into(), |one| one.to_string()),
        retention: catalog.retention.to_string(),
        points: catalog.points.to_string(),
        boards,
        catalog: &catalog,
    })
}

/// `GET /admin/catalogs/{catalog}/file`: as it was imported.
async fn export(State(app): State<App>, NetworkAdmin(_): NetworkAdmin, Path(name): Path<String>) -> Result<Response> {
    let mut response = queries::content(&app.db, &name).await?.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/toml"));
    let disposition = format!("attachment; filename=\"{name}.toml\"");
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// `POST /admin/catalogs/{catalog}/removal`
async fn remove(
    State(app): State<App>,
    hx: Hx,
    NetworkAdmin(person): NetworkAdmin,
    Path(name): Path<String>,
) -> Result<Response> {
    commands::remove(&app.db, &person.actor(), &name).await?;
    app.ingest.definitions_changed();
    Ok(saved(hx, "/admin/catalogs", Done::CatalogRemoved))
}

fn page(page: &impl Template) -> Result<Response> {
    Ok(Html(page.render().map_err(anyhow::Error::from)?).into_response())
}
