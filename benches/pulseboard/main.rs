//! `just bench`: the real server against a bare one that sends the same bytes, on this machine, over loopback.
//! Each part runs in processes of its own, so that what each costs can be told apart; README.md beside says what was found.

mod bare;
mod boards;
mod detect;
mod direct;
mod epoll;
mod ingest;
mod load;
mod machine;
mod pages;
mod place;
mod refresh;
mod replay;
mod streams;
mod table;
mod watch;
mod weight;

use std::process::ExitCode;

use anyhow::Result;

use place::Place;
use table::Table;

/// As in the program: servers that are compared differ in what they do, not in how they allocate.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let outcome = match words.next().as_deref() {
        Some("role-bare") => bare::run(),
        Some("role-direct") => direct::run(),
        Some("role-load") => load::run(),
        Some("role-watch") => watch::run(),
        // cargo adds --bench; other words name the parts to run
        first => {
            let parts: Vec<String> = first.map(String::from).into_iter().chain(words).collect();
            measure(
                &parts
                    .into_iter()
                    .filter(|word| !word.starts_with('-'))
                    .collect::<Vec<_>>(),
            )
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the parts named, or all: `detect`, `pages`, `direct`, `refresh`, `streams`, `weight`, `boards`, `ingest`, `replay`.
fn measure(parts: &[String]) -> Result<()> {
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| word == part);
    machine::raise_descriptor_limit()?;
    let mut table = Table::new();
    if wanted("detect") {
        detect::measure(&mut table)?;
        if parts.len() == 1 {
            return table.finish();
        }
    }
    if wanted("weight") {
        weight::demo_start(&mut table)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = runtime.block_on(Place::open())?;
    let done = runtime.block_on(async {
        if wanted("weight") {
            weight::page_and_memory(&place, &mut table).await?;
        }
        if wanted("pages") {
            pages::cached(&place, &mut table).await?;
        }
        if wanted("direct") {
            pages::from_postgres(&place, &mut table).await?;
        }
        if wanted("streams") {
            streams::measure(&place, &mut table).await?;
        }
        if wanted("refresh") {
            refresh::measure(&place, &mut table).await?;
        }
        if wanted("boards") {
            boards::measure(&place, &mut table).await?;
        }
        if wanted("ingest") {
            ingest::measure(&place, &mut table).await?;
        }
        if wanted("replay") {
            replay::measure(&mut table).await?;
        }
        Ok(())
    });
    let closed = runtime.block_on(place.close());
    table.finish()?;
    done.and(closed)
}
