//! Finds the machine's Postgres programs. Looks at the setting, `PATH`, the distribution's folders and `pg_config`, in this
//! order, and prefers the major version that an existing cluster was made with.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

const MAJORS: RangeInclusive<u32> = 14..=18;
const HOW_TO_INSTALL: &str = "install it (Debian, Ubuntu: `apt-get install postgresql`) or set PULSEBOARD_PG_BIN to a folder with \
     initdb and postgres, or set DATABASE_URL to use a server";

/// A folder with `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder itself, links resolved.
    pub dir: PathBuf,
    /// 14 to 18.
    pub major: u32,
}

impl Binaries {
    /// Picks the programs for a cluster of major version `wanted`, or of any version for a new cluster.
    ///
    /// # Errors
    /// One line that says what was found and what to do.
    pub fn find(setting: Option<&Path>, wanted: Option<u32>) -> Result<Binaries> {
        if let Some(dir) = setting {
            let Some(found) = look_into(dir) else {
                bail!(
                    "pg_bin (PULSEBOARD_PG_BIN) is {}: expected a folder with initdb and postgres",
                    dir.display()
                );
            };
            return choose(vec![found], wanted);
        }
        choose(candidates(), wanted)
    }

    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn choose(found: Vec<Binaries>, wanted: Option<u32>) -> Result<Binaries> {
    let versions = || {
        let each: Vec<_> = found
            .iter()
            .map(|b| format!("{} in {}", b.major, b.dir.display()))
            .collect();
        each.join(", ")
    };
    if found.is_empty() {
        bail!("no PostgreSQL found: {HOW_TO_INSTALL}");
    }
    let fits = |b: &&Binaries| wanted.map_or(MAJORS.contains(&b.major), |major| b.major == major);
    match (found.iter().find(fits), wanted) {
        (Some(chosen), _) => Ok(chosen.clone()),
        (None, Some(major)) => bail!(
            "the data was made by PostgreSQL {major}, but this machine has {}: install PostgreSQL {major}, or start over on an empty folder",
            versions()
        ),
        (None, None) => bail!("PostgreSQL 14 to 18 is needed, found {}: {HOW_TO_INSTALL}", versions()),
    }
}

fn candidates() -> Vec<Binaries> {
    let mut dirs: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    dirs.extend(distribution_dirs());
    dirs.extend(pg_config_dir());

    let mut found: Vec<Binaries> = Vec::new();
    for binaries in dirs.iter().filter_map(|dir| look_into(dir)) {
        if !found.contains(&binaries) {
            found.push(binaries);
        }
    }
    found
}

/// `/usr/lib/postgresql/<major>/bin`, highest major first.
fn distribution_dirs() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut majors: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    majors.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    majors.into_iter().map(|(_, dir)| dir).collect()
}

fn pg_config_dir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Reads the folder's version. Links are resolved first: a link in `PATH` stands alone, while `initdb` looks for
/// `postgres` and the share folder relative to its real place.
fn look_into(dir: &Path) -> Option<Binaries> {
    let dir = dir.join("postgres").canonicalize().ok()?.parent()?.to_path_buf();
    if !dir.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { dir, major })
}

/// `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`, `postgres (PostgreSQL) 18beta1`.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(major: u32) -> Binaries {
        Binaries {
            dir: PathBuf::from(format!("/pg/{major}")),
            major,
        }
    }

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("bash: no such thing"), None);
    }

    #[test]
    fn a_new_cluster_takes_the_first_that_fits_and_an_old_one_its_own_major() {
        let found = vec![binaries(13), binaries(17), binaries(15)];

        assert_eq!(choose(found.clone(), None).unwrap().major, 17);
        assert_eq!(choose(found, Some(15)).unwrap().major, 15);
    }

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        let nothing = choose(vec![], None).unwrap_err().to_string();
        let too_old = choose(vec![binaries(13)], None).unwrap_err().to_string();
        let other = choose(vec![binaries(17)], Some(15)).unwrap_err().to_string();

        assert!(
            nothing.contains("apt-get install postgresql") && !nothing.contains('\n'),
            "{nothing}"
        );
        assert!(too_old.contains("found 13 in /pg/13"), "{too_old}");
        assert!(
            other.contains("made by PostgreSQL 15") && other.contains("17 in /pg/17"),
            "{other}"
        );
    }

    #[test]
    fn a_setting_without_programs_is_named() {
        let error = Binaries::find(Some(Path::new("/nonexistent")), None)
            .unwrap_err()
            .to_string();

        assert!(
            error.contains("PULSEBOARD_PG_BIN") && error.contains("/nonexistent"),
            "{error}"
        );
    }
}
