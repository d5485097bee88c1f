//! The program: reads the command line and runs one command.

use std::process::ExitCode;

use clap::Parser;
use pulseboard::cli::{Cli, run};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run::run(cli)) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => failed(&error),
    }
}

/// One line that says what is wrong, and exit code 2.
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("pulseboard: {error:#}");
    ExitCode::from(2)
}
