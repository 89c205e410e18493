//! Fetching: resumed after a cut, checked before it counts, put in place in one step.

mod http;
mod message;
mod part;

use super::dir::DataDir;
use super::entry::{DatasetEntry, Fetch, Source};
use super::verify::sha256;
use crate::error::DataError;
use http::{Client, Reply};
use message::{disk, failed, other_bytes};
use part::Part;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How far one file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The file, as the catalogue names it.
    pub file: &'a str,
    /// Bytes at hand, those of an earlier attempt included.
    pub received: u64,
    /// Bytes of the whole file, where the server says.
    pub total: Option<u64>,
    /// Which attempt this is, from 1 on.
    pub attempt: u32,
}

/// Fetches data sets of the catalogue over HTTP(S).
///
/// Bytes go into `FILE.part`; a later attempt, also of a later process, goes on where the last one ended. The file gets its name
/// only when its SHA-256 is right, in one step: what stands under the name is whole.
#[derive(Clone, Debug)]
pub struct Fetcher {
    attempts: u32,
    pause: Duration,
    limit: u64,
    proxy: bool,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self { attempts: 5, pause: Duration::from_secs(1), limit: 4 << 30, proxy: false }
    }
}

/// What one attempt came to.
enum Attempt {
    /// All bytes are in the part.
    Complete,
    /// Worth another try.
    Again(String),
    /// Not worth another try.
    Hopeless(String),
}

impl Fetcher {
    /// Five attempts, a pause of one second before the second, doubled before each further; no proxy.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often a file is tried.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause before the second attempt, doubled before each further one.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The largest file that is taken, in bytes. 4 GiB.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Goes through the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, ...).
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.proxy = true;
        self
    }

    /// Fetches the files of `entry` that are not yet in `dir`; a file that is there and right is left alone.
    ///
    /// # Errors
    /// When the entry is to be had by hand only; when a file is there with another checksum (it is not overwritten); when the
    /// network, the server or the disk fails after all attempts; when the bytes have another checksum. The message says what to
    /// copy where by hand instead.
    pub fn fetch(
        &self,
        entry: &DatasetEntry,
        dir: &DataDir,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), DataError> {
        let sources = match &entry.fetch {
            Fetch::Files(sources) => sources,
            Fetch::Manual { what } => {
                let places: Vec<String> = entry.files.iter().map(|f| dir.path(&f.path).display().to_string()).collect();
                return Err(DataError::Download {
                    url: format!("data set `{}`", entry.name),
                    problem: "no public file that could be fetched is known".into(),
                    remedy: format!("get by hand: {what}; put it at {}", places.join(", ")),
                });
            }
        };
        for file in &entry.files {
            if let Some(source) = sources.iter().find(|s| s.path == file.path) {
                self.file(source, file.sha256, dir, progress)?;
            }
        }
        Ok(())
    }

    /// Fetches one file; `wanted` is the SHA-256 it has to have in the folder.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub fn file(
        &self,
        source: &Source,
        wanted: &str,
        dir: &DataDir,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), DataError> {
        let target = dir.path(&source.path);
        if target.exists() {
            let found = sha256(&target)?;
            if found == wanted {
                return Ok(());
            }
            let remedy = "a file of this name is there and is left alone: move it away, then fetch again".to_owned();
            return Err(DataError::Checksum { file: target, expected: wanted.into(), found, remedy });
        }
        let folder = target.parent().unwrap_or(dir.root());
        fs::create_dir_all(folder).map_err(|e| disk("making the folder", folder, e))?;
        let mut part = Part::open(&target)?;
        if let Err(error) = self.receive(source, &mut part, &target, progress) {
            part.remove_if_empty();
            return Err(error);
        }
        part.install(source, wanted, &target)
    }

    /// Fills the part until it is whole and its checksum is that of the source.
    fn receive(
        &self,
        source: &Source,
        part: &mut Part,
        target: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), DataError> {
        let client = Client::new(self.proxy);
        let mut pause = self.pause;
        let mut problem = String::new();
        for attempt in 1..=self.attempts {
            if attempt > 1 {
                log::info!("{}: {problem}; trying again in {pause:?}", source.url);
                std::thread::sleep(pause);
                pause *= 2;
            }
            let resumed = part.len()? > 0;
            match self.attempt(&client, source, part, attempt, progress)? {
                Attempt::Complete => {}
                Attempt::Again(why) => {
                    problem = why;
                    continue;
                }
                Attempt::Hopeless(why) => return Err(failed(source, target, why)),
            }
            let Some(expected) = source.sha256 else { return Ok(()) };
            let found = sha256(&part.path)?;
            if found == expected {
                return Ok(());
            }
            part.clear()?;
            if !resumed {
                return Err(other_bytes(source, target, expected, found));
            }
            // The first half may have been of another version: once more from the start.
            problem = "the parts did not fit together".into();
        }
        Err(failed(source, target, format!("{problem} (after {} attempts)", self.attempts)))
    }

    fn attempt(
        &self,
        client: &Client,
        source: &Source,
        part: &mut Part,
        attempt: u32,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Attempt, DataError> {
        let at_hand = part.len()?;
        let reply = match client.get(&source.url, at_hand) {
            Ok(reply) => reply,
            Err(why) => return Ok(Attempt::Again(why)),
        };
        let (mut body, first, total) = match reply {
            Reply::Whole { body, total } => (body, 0, total),
            Reply::Rest { body, first, total } if first == at_hand => (body, first, total),
            Reply::Rest { .. } => {
                part.clear()?;
                return Ok(Attempt::Again("the server sent another part than was asked for".into()));
            }
            Reply::Nothing { total } if total == Some(at_hand) => return Ok(Attempt::Complete),
            Reply::Nothing { .. } => {
                part.clear()?;
                return Ok(Attempt::Again("the part at hand is longer than the file".into()));
            }
            Reply::Busy(status) => return Ok(Attempt::Again(format!("the server answered {status}"))),
            Reply::Refused(status) => return Ok(Attempt::Hopeless(format!("the server answered {status}"))),
        };
        // A server that does not know ranges sends all of it again.
        part.cut(first)?;
        let mut received = first;
        let mut buffer = vec![0; 1 << 16];
        loop {
            progress(Progress { file: &source.path, received, total, attempt });
            if received > self.limit || total.is_some_and(|t| t > self.limit) {
                let why = format!("the file is larger than the limit of {} bytes", self.limit);
                part.clear()?;
                return Ok(Attempt::Hopeless(why));
            }
            let count = match body.read(&mut buffer) {
                Ok(count) => count,
                Err(e) => return Ok(Attempt::Again(format!("the connection broke after {received} bytes: {e}"))),
            };
            if count == 0 {
                break;
            }
            part.write(&buffer[..count])?;
            received += count as u64;
        }
        part.sync()?;
        match total {
            Some(total) if received < total => {
                Ok(Attempt::Again(format!("the connection ended after {received} of {total} bytes")))
            }
            _ => Ok(Attempt::Complete),
        }
    }
}

/// Fetches `entry` into `dir` as a [`Fetcher`] does that nothing was changed of.
///
/// # Errors
/// As [`Fetcher::fetch`].
pub fn fetch(entry: &DatasetEntry, dir: &DataDir, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), DataError> {
    Fetcher::new().fetch(entry, dir, progress)
}

#[cfg(test)]
mod tests;
