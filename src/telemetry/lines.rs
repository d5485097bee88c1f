//! Where log lines go: into memory, and from there to standard error by a thread of its own, so that a request does not
//! wait for the file. A line that warns takes everything before it along at once.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// A line waits at most this long.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// With more than this in memory the writer of the line writes it all: a slow file slows the program, and loses nothing.
const ROOM: usize = 1 << 20;

/// The lines that wait. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Vec<u8>>,
    some: Condvar,
    /// held while writing, so that lines stay in their order
    out: Mutex<Vec<u8>>,
}

impl Lines {
    /// Starts the thread; it ends with the process.
    pub fn start() -> io::Result<Lines> {
        let lines = Lines::default();
        let own = lines.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                let waiting = own.waiting();
                drop(own.0.some.wait_while(waiting, |waiting| waiting.is_empty()));
                std::thread::sleep(LONGEST_WAIT);
                own.flush();
            }
        })?;
        Ok(lines)
    }

    /// Writes what waits.
    pub fn flush(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *self.waiting(), &mut *out);
        // with standard error gone there is nobody to tell
        let _ = io::stderr().write_all(&out);
        out.clear();
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line on its way.
pub struct Line<'a> {
    lines: &'a Lines,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lines.waiting();
        let (first, many) = (waiting.is_empty(), waiting.len() + text.len() > ROOM);
        waiting.extend_from_slice(text);
        drop(waiting);
        if self.urgent || many {
            self.lines.flush();
        } else if first {
            self.lines.0.some.notify_one();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush();
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: self,
            urgent: true,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line {
            lines: self,
            urgent: *meta.level() <= Level::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_until_one_of_them_is_urgent() {
        let lines = Lines::default();
        let line = |urgent| Line { lines: &lines, urgent };

        line(false).write_all(b"waits\n").unwrap();
        assert_eq!(*lines.waiting(), b"waits\n");

        line(true).write_all(b"hurries\n").unwrap();
        assert!(lines.waiting().is_empty());
    }
}
