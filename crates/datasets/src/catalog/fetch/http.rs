//! The little of HTTP that fetching needs.

use std::io::Read;
use std::time::Duration;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

/// What the server said.
pub(super) enum Reply {
    /// The whole file.
    Whole { body: Box<dyn Read>, total: Option<u64> },
    /// The file from `first` on.
    Rest { body: Box<dyn Read>, first: u64, total: Option<u64> },
    /// Nothing comes after the bytes at hand.
    Nothing { total: Option<u64> },
    /// Try again later.
    Busy(String),
    /// Do not try again.
    Refused(String),
}

pub(super) struct Client {
    agent: Agent,
}

impl Client {
    pub(super) fn new(proxy: bool) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)));
        if !proxy {
            config = config.proxy(None);
        }
        Self { agent: config.build().into() }
    }

    /// Asks for the bytes of `url` from `first` on; the error is in words.
    pub(super) fn get(&self, url: &str, first: u64) -> Result<Reply, String> {
        // Bytes as they lie on the server: the checksum is theirs.
        let mut request = self.agent.get(url).header(header::ACCEPT_ENCODING, "identity");
        if first > 0 {
            request = request.header(header::RANGE, format!("bytes={first}-"));
        }
        let response = request.call().map_err(|e| format!("no answer: {e}"))?;
        let status = response.status();
        Ok(match status.as_u16() {
            200 => {
                let total = number(&response, header::CONTENT_LENGTH);
                Reply::Whole { body: Box::new(response.into_body().into_reader()), total }
            }
            206 => {
                let (first, total) = range(&response).ok_or("an answer without a readable Content-Range")?;
                Reply::Rest { body: Box::new(response.into_body().into_reader()), first, total }
            }
            416 => Reply::Nothing { total: text(&response, header::CONTENT_RANGE).and_then(total) },
            408 | 425 | 429 | 500..=599 => Reply::Busy(status.to_string()),
            _ => Reply::Refused(status.to_string()),
        })
    }
}

fn text(response: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

fn number(response: &Response<Body>, name: header::HeaderName) -> Option<u64> {
    text(response, name)?.trim().parse().ok()
}

/// `bytes 100-199/200`: the first byte and the size of the whole.
fn range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let text = text(response, header::CONTENT_RANGE)?;
    let first = text.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()?;
    Some((first, total(text)))
}

/// `bytes */200`: the size of the whole.
fn total(range: &str) -> Option<u64> {
    range.rsplit('/').next()?.trim().parse().ok()
}
