//! A stretch of network between a consumer and its broker, which a test can cut: connections end, and new ones are refused.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Listens on one port for as long as the test lasts, except while it is cut.
pub struct Proxy {
    pub port: u16,
    to: u16,
    /// of the listener and all its connections
    up: Arc<Mutex<Option<CancellationToken>>>,
}

impl Proxy {
    pub async fn to(to: u16) -> Proxy {
        let listener = listen(0);
        let port = listener.local_addr().expect("its port").port();
        let proxy = Proxy {
            port,
            to,
            up: Arc::default(),
        };
        proxy.run(listener).await;
        proxy
    }

    pub async fn cut(&self) {
        if let Some(up) = self.up.lock().await.take() {
            up.cancel();
        }
    }

    pub async fn mend(&self) {
        let listener = super::patiently(crate::support::PATIENCE, "the port is free again", || async {
            try_listen(self.port).ok()
        });
        self.run(listener.await).await;
    }

    async fn run(&self, listener: TcpListener) {
        let up = CancellationToken::new();
        *self.up.lock().await = Some(up.clone());
        let to = self.to;
        tokio::spawn(async move {
            let accepting = async {
                while let Ok((mut from, _)) = listener.accept().await {
                    let connection = up.clone();
                    tokio::spawn(async move {
                        let carry = async {
                            let mut to = TcpStream::connect(("127.0.0.1", to)).await?;
                            tokio::io::copy_bidirectional(&mut from, &mut to).await
                        };
                        connection.run_until_cancelled(carry).await
                    });
                }
            };
            up.run_until_cancelled(accepting).await;
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Ok(mut up) = self.up.try_lock()
            && let Some(up) = up.take()
        {
            up.cancel();
        }
    }
}

fn listen(port: u16) -> TcpListener {
    try_listen(port).expect("a free port")
}

fn try_listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    socket.listen(64)
}
