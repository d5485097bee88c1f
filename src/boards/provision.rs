//! Boards that are files: a folder is read at the start, and each `name.json` in it becomes or updates the network's
//! board of that name. A file that is broken is said in the log and left out; the others count.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::commands::{self, Provisioned};
use super::model::File;
use super::template;
use crate::db::Db;
use crate::error::Error;

/// Bytes of a file at most.
const LARGEST: u64 = 256 * 1024;

/// Reads the folder; how many boards it made or changed.
pub async fn folder(db: &Db, folder: &Path) -> usize {
    let mut files = match tokio::fs::read_dir(folder).await {
        Ok(files) => files,
        Err(error) => {
            tracing::error!(%error, folder = %folder.display(), "the folder of boards cannot be read");
            return 0;
        }
    };
    let mut changed = 0;
    while let Ok(Some(entry)) = files.next_entry().await {
        let path = entry.path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        match file(db, &path).await {
            Ok(Provisioned::Unchanged) => {}
            Ok(what) => {
                changed += 1;
                tracing::info!(file = %path.display(), ?what, "a board was read from its file");
            }
            Err(error) => tracing::error!(file = %path.display(), %error, "a board's file is left out"),
        }
    }
    changed
}

/// Makes the network a board of the one that the program brings along, so that a demo has one to look at.
pub async fn shipped(db: &Db) -> crate::error::Result<()> {
    let template = template::find("network").ok_or(Error::NotFound)?;
    commands::provision(db, template.name, &template.file, &[]).await?;
    Ok(())
}

async fn file(db: &Db, path: &Path) -> crate::error::Result<Provisioned> {
    let slug = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_slug(slug) {
        return Err(Error::invalid(
            "file",
            "Name it with small letters, digits and hyphens, 80 at most.",
        ));
    }
    let size = tokio::fs::metadata(path).await.map_err(anyhow::Error::from)?.len();
    if size > LARGEST {
        return Err(Error::invalid("file", format!("It is larger than {LARGEST} bytes.")));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(anyhow::Error::from)?;
    let mut file = File::read(&text).map_err(Error::Invalid)?;
    file.definition.settle();
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let (_, what) = commands::provision(db, slug, &file, &hash).await?;
    Ok(what)
}

/// As the constraint `boards_slug_check` has it.
fn is_slug(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=80).contains(&text.len()) && !text.starts_with('-') && text.chars().all(fits)
}
