//! A thread that starts one child process, lives as long as it, and reaps it. The thread matters: the kernel's parent-death
//! signal follows the *thread* that spawned, and the runtime's blocking threads end when they are idle.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use tokio::sync::{oneshot, watch};

use super::account::Account;

/// A handle on the child; dropping it does not end the child, the end of this process does (even by `kill -9`).
#[derive(Debug)]
pub struct Keeper {
    /// The child's id until it is reaped, so that a signal never hits a recycled id.
    pid: Arc<Mutex<Option<libc::pid_t>>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Keeper {
    /// Starts `program` as `account`, its output going to `log`.
    pub async fn start(program: PathBuf, args: Vec<OsString>, account: Option<Account>, log: File) -> Result<Keeper> {
        let pid = Arc::new(Mutex::new(None));
        let (started_tx, started_rx) = oneshot::channel();
        let (ended_tx, ended_rx) = watch::channel(None);
        let shared_pid = pid.clone();
        let command = command(&program, args, account, log)?;
        thread::Builder::new()
            .name("postgres-keeper".into())
            .spawn(move || keep(command, &shared_pid, started_tx, &ended_tx))?;
        started_rx
            .await
            .context("the keeper of Postgres ended early")?
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Keeper { pid, ended: ended_rx })
    }

    /// Sends a signal, if the child still runs.
    pub fn signal(&self, signal: libc::c_int) {
        if let Some(pid) = *self.pid.lock().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: the child is not reaped while the lock is held, so the id is still its own.
            unsafe { libc::kill(pid, signal) };
        }
    }

    /// How the child ended, if it did.
    pub fn has_ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits for the child's end.
    pub async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.map(|status| *status);
        status.ok().flatten().unwrap_or_default()
    }
}

fn keep(
    mut command: Command,
    pid: &Mutex<Option<libc::pid_t>>,
    started: oneshot::Sender<io::Result<()>>,
    ended: &watch::Sender<Option<ExitStatus>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    *pid.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id().cast_signed());
    // Nobody waits any more when the start was cancelled; the server is then stopped like any orphan.
    let orphaned = started.send(Ok(())).is_err();
    if orphaned {
        // SAFETY: the child is ours and not reaped yet.
        unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) };
    }
    wait_unreaped(&child);
    let mut pid = pid.lock().unwrap_or_else(PoisonError::into_inner);
    *pid = None;
    ended.send_replace(Some(child.wait().unwrap_or_default()));
}

/// Blocks until the child has ended but leaves it a zombie, so that its id stays taken.
fn wait_unreaped(child: &Child) {
    loop {
        // SAFETY: siginfo_t is plain data, valid when zeroed, and outlives the call.
        let code = unsafe {
            let mut what: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, child.id(), &mut what, libc::WEXITED | libc::WNOWAIT)
        };
        if code == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

fn command(program: &PathBuf, args: Vec<OsString>, account: Option<Account>, log: File) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: Ctrl-C in the terminal reaches the app, which then stops the server in order.
        .process_group(0);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    #[cfg(target_os = "linux")]
    {
        let parent = std::process::id().cast_signed();
        // SAFETY: the closure only makes async-signal-safe system calls.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before the line above took effect.
                if libc::getppid() != parent {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                Ok(())
            });
        }
    }
    Ok(command)
}
