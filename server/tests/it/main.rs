//! The server as a browser, and as an attacker, meets it.

mod desk;
mod files;
mod hostile;
mod pages;
mod runs;
mod socket;
