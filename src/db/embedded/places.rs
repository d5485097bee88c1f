//! The folders and files of a private cluster: the data, its lock, its log, and a socket folder whose path is short enough.
//! Everything lies in the data folder, except the socket of a folder with a long name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::account::{Account, give};

/// `sun_path` holds 108 bytes with its final zero; the server also makes a `.lock` file beside the socket.
const LONGEST_SOCKET_PATH: usize = 107;
const SOCKET_NAME: &str = ".s.PGSQL.5432";
const LOG_LIMIT: u64 = 5 * 1024 * 1024;

/// Where everything of one cluster lies.
#[derive(Debug)]
pub struct Places {
    pub root: PathBuf,
    pub cluster: PathBuf,
    pub lock: PathBuf,
    log: PathBuf,
}

impl Places {
    /// Makes the data folder if it is missing and resolves its path, so that two spellings are one cluster.
    pub fn open(data_dir: &Path) -> Result<Places> {
        // The server's account has to pass through, hence not 0700: the cluster below is.
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(data_dir)
            .with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
        let root = data_dir
            .canonicalize()
            .with_context(|| format!("cannot open the data folder {}", data_dir.display()))?;
        Ok(Places {
            cluster: root.join("postgres"),
            lock: root.join("postgres.lock"),
            log: root.join("postgres.log"),
            root,
        })
    }

    /// Whether a cluster has been made here.
    pub fn exists(&self) -> bool {
        self.cluster.join("PG_VERSION").exists()
    }

    /// The major version of the existing cluster.
    pub fn major(&self) -> Result<Option<u32>> {
        let path = self.cluster.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => {
                Ok(Some(text.trim().parse().with_context(|| {
                    format!("{} says `{}`", path.display(), text.trim())
                })?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// An empty folder beside the cluster's place, for `initdb`; what a killed start left there is removed.
    pub fn fresh_dir(&self, account: Option<&Account>) -> Result<PathBuf> {
        let fresh = self.root.join("postgres.new");
        remove(&fresh)?;
        private_dir(&fresh, account)?;
        Ok(fresh)
    }

    /// The 0700 folder of the socket: `run` in the data folder, or a short one keyed by the data folder's path.
    pub fn socket_dir(&self, account: Option<&Account>) -> Result<PathBuf> {
        let near = self.root.join("run");
        if fits(&near) {
            private_dir(&near, account)?;
            return Ok(near);
        }
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        let key: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        for parent in runtime.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]) {
            let dir = parent.join(format!("pulseboard-{key}"));
            if parent.is_dir() && fits(&dir) && check_reachable(&parent, account).is_ok() {
                private_dir(&dir, account)?;
                return Ok(dir);
            }
        }
        bail!(
            "no folder with a short enough path for the socket of {}: set XDG_RUNTIME_DIR",
            self.root.display()
        )
    }

    /// The process that `postmaster.pid` names, if it is alive. A stale file is left for the server to deal with.
    pub fn live_pid(&self) -> Option<i32> {
        let pid: i32 = self.pid_line(0)?.parse().ok()?;
        // SAFETY: signal 0 only asks whether the process exists.
        let exists = unsafe { libc::kill(pid, 0) } == 0;
        (exists && !is_someone_else(pid)).then_some(pid)
    }

    /// The socket folder of the server that runs here.
    pub fn running_socket(&self) -> Option<PathBuf> {
        self.live_pid()?;
        self.pid_line(4).filter(|line| !line.is_empty()).map(PathBuf::from)
    }

    /// The server's log, begun anew once it has grown past 5 MB.
    pub fn open_log(&self) -> Result<File> {
        if fs::metadata(&self.log).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
            fs::rename(&self.log, self.log.with_extension("log.1"))?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            // The log quotes statements, and the folder is passable for everybody.
            .mode(0o600)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))
    }

    /// The end of the log as one line.
    pub fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<&str> = text
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(3)
            .collect();
        lines.reverse();
        lines.join(" / ")
    }

    /// Removes the cluster, its socket folder and its log.
    pub fn remove_cluster(&self) -> Result<()> {
        for name in ["postgres", "postgres.new", "run", "postgres.log", "postgres.log.1"] {
            remove(&self.root.join(name))?;
        }
        Ok(())
    }

    fn pid_line(&self, index: usize) -> Option<String> {
        let text = fs::read_to_string(self.cluster.join("postmaster.pid")).ok()?;
        text.lines().nth(index).map(|line| line.trim().to_owned())
    }
}

/// Says which parent folder the server's account cannot pass through, if any.
///
/// # Errors
/// Names the folder, the account and the two ways out.
pub fn check_reachable(path: &Path, account: Option<&Account>) -> Result<()> {
    let Some(account) = account else { return Ok(()) };
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    for dir in path.ancestors() {
        let Ok(meta) = fs::metadata(dir) else { continue };
        let passable = if meta.uid() == account.uid {
            meta.mode() & 0o100
        } else if meta.gid() == account.gid {
            meta.mode() & 0o010
        } else {
            meta.mode() & 0o001
        };
        if passable == 0 {
            bail!(
                "the private Postgres runs as `{}`, which cannot enter {}: use another folder (such as /var/lib/pulseboard), or `chmod o+x {}`",
                account.name,
                dir.display(),
                dir.display()
            );
        }
    }
    Ok(())
}

fn fits(socket_dir: &Path) -> bool {
    socket_dir.join(SOCKET_NAME).as_os_str().len() <= LONGEST_SOCKET_PATH
}

/// Makes a 0700 folder that belongs to the account. In a shared folder somebody else may have put one there first: that is refused.
fn private_dir(dir: &Path, account: Option<&Account>) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => give(dir, account)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", dir.display())),
    }
    let meta = fs::symlink_metadata(dir)?;
    // SAFETY: geteuid only reads.
    let me = unsafe { libc::geteuid() };
    let owner = account.map_or(me, |account| account.uid);
    if meta.is_dir() && me == 0 && meta.uid() == 0 {
        give(dir, account)?;
    } else if !meta.is_dir() || meta.uid() != owner {
        bail!(
            "{} is not a folder of user {owner}: remove it, or use another data folder",
            dir.display()
        );
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot make {} private", dir.display()))
}

/// After a restart of the machine the id in a stale file may belong to any program.
fn is_someone_else(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| !name.starts_with("postgres"))
}

fn remove(path: &Path) -> Result<()> {
    let result = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
