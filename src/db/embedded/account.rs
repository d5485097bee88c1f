//! The account a private server runs as. Postgres refuses to run as root, so root hands it to `postgres`, `nobody`, or whoever owns
//! the data already; everybody else runs it as themselves.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A user and its main group, to switch to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The account for the cluster in `cluster`: `None` means the one we run as.
    ///
    /// # Errors
    /// When root finds no account to switch to, or the data belongs to somebody else.
    pub fn for_data(cluster: &Path) -> Result<Option<Account>> {
        let owner = fs::metadata(cluster).ok().map(|meta| (meta.uid(), meta.gid()));
        // SAFETY: geteuid only reads.
        let me = unsafe { libc::geteuid() };
        match (me, owner) {
            (0, Some((uid, gid))) if uid != 0 => Ok(Some(Account {
                name: format!("user {uid}"),
                uid,
                gid,
            })),
            (0, _) => {
                ["postgres", "nobody"].into_iter().find_map(lookup).map(Some).context(
                    "Postgres does not run as root, and there is no account `postgres` or `nobody` to run it as",
                )
            }
            (me, Some((uid, _))) if uid != me => bail!(
                "{} belongs to user {uid}: run as that user or as root, or use another folder",
                cluster.display()
            ),
            _ => Ok(None),
        }
    }
}

/// Gives a folder to the account; nothing to do when we run as ourselves.
pub fn give(path: &Path, account: Option<&Account>) -> Result<()> {
    match account {
        Some(Account { name, uid, gid }) => {
            chown(path, Some(*uid), Some(*gid)).with_context(|| format!("cannot give {} to {name}", path.display()))
        }
        None => Ok(()),
    }
}

fn lookup(name: &str) -> Option<Account> {
    let c_name = CString::new(name).ok()?;
    let mut buffer = vec![0; 16 * 1024];
    // SAFETY: passwd is plain data, valid when zeroed; every pointer outlives the call and the buffer's length is its own.
    let (uid, gid) = unsafe {
        let mut entry: libc::passwd = std::mem::zeroed();
        let mut found = std::ptr::null_mut();
        let code = libc::getpwnam_r(
            c_name.as_ptr(),
            &mut entry,
            buffer.as_mut_ptr(),
            buffer.len(),
            &mut found,
        );
        if code != 0 || found.is_null() {
            return None;
        }
        (entry.pw_uid, entry.pw_gid)
    };
    (uid != 0).then(|| Account {
        name: name.to_owned(),
        uid,
        gid,
    })
}
