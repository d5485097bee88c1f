//! A mail server on this machine that takes what it is sent, or refuses, or keeps silent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pulseboard::config::{Smtp, SmtpTls};
use pulseboard::mail::{Mail, Settings};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the links of mails begin with, whatever a request says.
pub const BASE_URL: &str = "https://board.example.org";

/// A mail as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub to: Vec<String>,
    pub data: String,
}

impl Arrived {
    /// The plain text of the mail, with soft line breaks undone.
    pub fn text(&self) -> String {
        self.data.replace("=\r\n", "").replace("=3D", "=")
    }

    /// The address that follows this path on our own site, up to the end of the line.
    pub fn link(&self, path: &str) -> String {
        let text = self.text();
        let begin = format!("{BASE_URL}{path}");
        let at = text.find(&begin).unwrap_or_else(|| panic!("no {begin} in:\n{text}"));
        let link = &text[at + BASE_URL.len()..];
        let end = link
            .find(|c: char| c.is_whitespace() || c == '"' || c == '<')
            .unwrap_or(link.len());
        link[..end].to_owned()
    }
}

#[derive(Default)]
struct Inbox {
    arrived: Vec<Arrived>,
    /// answers the next recipients with this instead
    refusals: Vec<&'static str>,
}

/// Ends with the test.
pub struct SmtpServer {
    pub address: SocketAddr,
    inbox: Arc<Mutex<Inbox>>,
    task: tokio::task::JoinHandle<()>,
}

impl SmtpServer {
    pub async fn start() -> SmtpServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inbox: Arc<Mutex<Inbox>> = Arc::default();
        let shared = inbox.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, shared.clone()));
            }
        });
        SmtpServer { address, inbox, task }
    }

    /// An installation that sends through this server.
    pub fn mail(&self) -> Mail {
        Mail::new(&Settings {
            base_url: BASE_URL.into(),
            smtp: Some(Smtp {
                host: "127.0.0.1".into(),
                port: self.address.port(),
                tls: SmtpTls::Opportunistic,
                login: None,
                from: "Pulseboard <board@example.org>".into(),
            }),
            secret: (*b"the secret of the tests").into(),
        })
        .expect("settings that are good")
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.lock().arrived.clone()
    }

    /// The newest mail to somebody.
    pub fn last_to(&self, address: &str) -> Option<Arrived> {
        let to = |mail: &&Arrived| mail.to.iter().any(|to| to == address);
        self.lock().arrived.iter().rev().find(to).cloned()
    }

    /// Refuses the next recipient with this answer.
    pub fn refuse_once(&self, answer: &'static str) {
        self.lock().refusals.push(answer);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// RFC 5321, as far as a client needs it.
async fn converse(stream: TcpStream, inbox: Arc<Mutex<Inbox>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to: Vec<String> = Vec::new();
    if write.write_all(b"220 test\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: String = match verb.as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME".into(),
            "RCPT" => {
                let refusal = inbox.lock().unwrap_or_else(PoisonError::into_inner).refusals.pop();
                match refusal {
                    Some(refusal) => refusal.into(),
                    None => {
                        let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                        to.push(address.to_owned());
                        "250 ok".into()
                    }
                }
            }
            "DATA" => {
                if write.write_all(b"354 go on\r\n").await.is_err() {
                    return;
                }
                let mut data = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    data.push_str(&line);
                    data.push_str("\r\n");
                }
                let mail = Arrived {
                    to: std::mem::take(&mut to),
                    data,
                };
                inbox.lock().unwrap_or_else(PoisonError::into_inner).arrived.push(mail);
                "250 taken".into()
            }
            "QUIT" => "221 bye".into(),
            _ => "250 ok".into(),
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() || verb == "QUIT" {
            return;
        }
    }
}
