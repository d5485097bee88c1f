//! The brokers of a test run: a private node of the distribution's RabbitMQ, and one of Kafka's protocol from a Python package.
//! Each is started when the first test wants it, on ports of its own, and ends with the run.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::OnceCell;

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// A node takes eight seconds to start on a free machine.
const LONGEST_START: Duration = Duration::from_secs(90);

/// Processes of this run, the last started first to end, and the folders they leave.
static RUNNING: Mutex<(Vec<Child>, Vec<PathBuf>)> = Mutex::new((Vec::new(), Vec::new()));
static RABBITMQ: OnceCell<u16> = OnceCell::const_new();
static KAFKA: OnceCell<String> = OnceCell::const_new();

/// `amqp://guest:guest@127.0.0.1:<port>/%2f`: the port.
pub async fn rabbitmq() -> u16 {
    *RABBITMQ.get_or_init(start_rabbitmq).await
}

/// `127.0.0.1:<port>` of the broker that all tests share.
pub async fn kafka() -> String {
    let start = || async {
        let broker = KafkaBroker::start();
        let address = broker.address.clone();
        // it ends when its input does, which is with this process
        std::mem::forget(broker);
        address
    };
    KAFKA.get_or_init(start).await.clone()
}

async fn start_rabbitmq() -> u16 {
    assert!(
        Path::new(SERVER).exists(),
        "RabbitMQ is not installed; scripts/test does that"
    );
    let folder = tempfile::Builder::new()
        .prefix("pulseboard-rabbitmq-")
        .tempdir()
        .expect("a folder")
        .keep();
    let [names, port, distribution] = free_ports();
    std::fs::write(folder.join("plugins"), "[].").expect("the folder can be written");
    let mut epmd = Command::new("epmd");
    epmd.args(["-port", &names.to_string(), "-address", "127.0.0.1"]);
    let mut server = Command::new(SERVER);
    server
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        // where its cookie is made
        .env("HOME", &folder)
        .env("ERL_EPMD_PORT", names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODENAME", format!("pulseboard{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_LOGS", folder.join("log/node.log"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("none"))
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("none"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        // in its own process, without a shell around it
        .env("RABBITMQ_ALLOW_INPUT", "1")
        .env("RABBITMQ_SERVER_START_ARGS", "-noinput");
    spawn_for_the_run(vec![epmd, server], folder.clone());
    let accepts = || async move {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        stream.is_ok().then_some(port)
    };
    super::patiently(LONGEST_START, "RabbitMQ starts", accepts).await
}

/// A child is told to end when the thread that started it does, so that is one that lives as long as the process.
fn spawn_for_the_run(commands: Vec<Command>, folder: PathBuf) {
    let (started, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let children: Vec<Child> = commands.into_iter().map(spawn).collect();
        let mut running = RUNNING.lock().expect("nobody panicked");
        if running.0.is_empty() {
            // SAFETY: the handler takes a lock that nobody holds at the end, and signals children.
            unsafe { libc::atexit(end_all) };
        }
        running.0.extend(children);
        running.1.push(folder);
        drop(running);
        let _ = started.send(());
        loop {
            std::thread::park();
        }
    });
    wait.recv().expect("the brokers start");
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: prctl is safe to call between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    command
        .spawn()
        .expect("the broker's program is there; scripts/test installs it")
}

extern "C" fn end_all() {
    let Ok(mut running) = RUNNING.lock() else { return };
    for mut child in running.0.drain(..).rev() {
        let _ = child.kill();
        let _ = child.wait();
    }
    for folder in running.1.drain(..) {
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn free_ports() -> [u16; 3] {
    let open = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    open.map(|listener| listener.local_addr().expect("its port").port())
}

/// A broker of its own, for a test that freezes it. Ends with the test.
pub struct KafkaBroker {
    pub address: String,
    child: Child,
    _input: ChildStdin,
}

impl KafkaBroker {
    pub fn start() -> KafkaBroker {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let mut child = Command::new("python3")
            .arg(root.join("tests/it/brokers/kafka_broker.py"))
            .arg(target.join("kafka-broker/packages"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python is there");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines.next().and_then(Result::ok);
        KafkaBroker {
            address: address.expect("the Kafka broker starts; scripts/test installs what it needs"),
            _input: child.stdin.take().expect("its input"),
            child,
        }
    }

    /// Keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: the child is ours and was not waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
