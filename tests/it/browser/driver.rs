//! One chromedriver for the whole run, started when the first story wants a browser. It dies with the process, and
//! the browsers die with it because they hang on a pipe that only it holds.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::OnceCell;

const MISSING: &str = "the stories need a browser: install it with `apt-get install chromium chromium-driver`, or run \
                       scripts/test, which does";

/// The programs of the machine.
pub struct Driver {
    /// `http://127.0.0.1:40001`
    pub address: String,
    /// the program of the browser
    pub browser: PathBuf,
}

/// The driver of this run.
pub async fn driver() -> &'static Driver {
    static DRIVER: OnceCell<Driver> = OnceCell::const_new();
    DRIVER
        .get_or_init(|| async {
            let (browser, program) = (
                program(&["chromium", "chromium-browser", "google-chrome"]),
                program(&["chromedriver"]),
            );
            let (send, port) = mpsc::channel();
            // "dies with its parent" means the thread that started it, so that thread has to outlive every test
            std::thread::spawn(move || keep(&program, &send));
            let port: u16 = tokio::task::spawn_blocking(move || port.recv_timeout(Duration::from_secs(20)))
                .await
                .expect("the wait is not cut off")
                .expect("chromedriver says its port");
            Driver {
                address: format!("http://127.0.0.1:{port}"),
                browser,
            }
        })
        .await
}

fn keep(program: &Path, send: &mpsc::Sender<u16>) {
    let mut child = start(program);
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    if let Some(port) = port_in(&mut lines) {
        let _ = send.send(port);
        // whoever stops reading stops the driver at a full pipe
        lines.for_each(drop);
    }
    let _ = child.wait();
}

fn start(program: &Path) -> Child {
    let mut command = Command::new(program);
    command
        .args(["--port=0", "--log-level=SEVERE"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // SAFETY: prctl is async-signal-safe and touches nothing but the new process.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    command.spawn().expect("chromedriver can be run")
}

/// `ChromeDriver was started successfully on port 39953.`
fn port_in(lines: &mut std::io::Lines<BufReader<ChildStdout>>) -> Option<u16> {
    lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    })
}

/// The first of these names on the path.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
        .expect(MISSING)
}
