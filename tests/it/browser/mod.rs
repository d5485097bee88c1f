//! Stories of people in front of a real Chromium, against the real server over TCP. Each waits for what it sees, and
//! ends with a look at the console: an error or a violated content policy fails it.

mod chromium;
mod driver;
mod site;

mod arabic;
mod boards;
mod everybody;
mod hostile;
mod live;
mod plain;
mod screens;

use chromium::Chromium;
use site::Site;
