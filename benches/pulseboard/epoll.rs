//! Many sockets on one thread: the little of epoll that a client of ten thousand connections needs.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub fn new() -> Result<Self> {
        // SAFETY: makes a descriptor that is ours alone.
        let fd = unsafe {
            let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if fd < 0 {
                return Err(Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Epoll {
            fd,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024],
        })
    }

    /// Tells about `socket` under this key whenever there is something to read.
    pub fn add(&self, socket: RawFd, key: u64) -> Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: key,
        };
        // SAFETY: the event outlives the call.
        match unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, socket, &mut event) } {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        }
    }

    /// Keys of the sockets that can be read, after at most `milliseconds`.
    pub fn wait(&mut self, milliseconds: i32) -> impl Iterator<Item = u64> + use<'_> {
        let room = self.events.len() as i32;
        // SAFETY: the buffer has room for that many events.
        let found = unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), room, milliseconds) };
        self.events[..found.max(0) as usize].iter().map(|event| event.u64)
    }
}

/// Connects from one of several addresses of this machine, since one address has only so many ports.
pub fn connect(from: Ipv4Addr, to: SocketAddrV4) -> Result<TcpStream> {
    let address = |ip: Ipv4Addr, port: u16| libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(ip).to_be(),
        },
        sin_zero: [0; 8],
    };
    let (from, to) = (address(from, 0), address(*to.ip(), to.port()));
    let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    // SAFETY: a new descriptor owned by the stream, and addresses that outlive the calls.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return Err(Error::last_os_error());
        }
        let stream = TcpStream::from_raw_fd(fd);
        let bound = libc::bind(fd, (&raw const from).cast(), size) == 0;
        if !bound || libc::connect(fd, (&raw const to).cast(), size) != 0 {
            return Err(Error::last_os_error());
        }
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
