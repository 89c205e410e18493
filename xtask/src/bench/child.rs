//! One program of the comparison as a child process that answers lines of JSON; `benches/workloads/README.md` has the protocol.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Lines of a program's standard error that a message shows.
const TAIL: usize = 12;

/// Why a program is not measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    /// The end of its standard error.
    pub(crate) tail: Vec<String>,
}

/// What a program says of itself when it has done its first step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    pub(crate) version: String,
    pub(crate) backend: String,
    pub(crate) parameters: u64,
    pub(crate) first_step_us: f64,
}

/// Steps done and the time of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Steps {
    pub(crate) count: u64,
    pub(crate) us: f64,
}

/// A running program; it is killed when this is dropped before its end.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Arc<Mutex<VecDeque<String>>>,
}

impl Running {
    /// Starts `command` and waits for its first line.
    pub(crate) fn start(command: &mut Command, limit: Duration) -> Result<(Self, Ready), Refusal> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|e| Refusal { why: format!("it cannot be started: {e}"), tail: Vec::new() })?;
        let (send, lines) = channel();
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(out) = child.stdout.take() {
            // A receiver that has gone away no longer wants the line.
            follow(out, move |line| drop(send.send(line)));
        }
        if let Some(err) = child.stderr.take() {
            let kept = Arc::clone(&errors);
            follow(err, move |line| {
                if let Ok(mut kept) = kept.lock() {
                    if kept.len() == TAIL {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
            });
        }
        let mut peer = Self { child, lines, errors };
        let answer = peer.answer("ready", limit)?;
        match ready(&answer) {
            Ok(ready) => Ok((peer, ready)),
            Err(why) => Err(peer.refuse(why)),
        }
    }

    /// Steps for about so many seconds.
    pub(crate) fn warm(&mut self, seconds: f64, limit: Duration) -> Result<Steps, Refusal> {
        self.ask(&format!("warm {seconds}"), limit)
    }

    /// A round of so many steps.
    pub(crate) fn round(&mut self, steps: u64, limit: Duration) -> Result<Steps, Refusal> {
        self.ask(&format!("round {steps}"), limit)
    }

    /// Ends the program: the most memory it held in MB, where its system says that.
    pub(crate) fn end(mut self, limit: Duration) -> Result<Option<f64>, Refusal> {
        let until = Instant::now() + limit;
        self.say("end")?;
        let answer = self.answer("end", limit)?;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(answer["peak_rss_mb"].as_f64()),
                Ok(Some(status)) => return Err(self.refuse(format!("it ended with {status}"))),
                _ if Instant::now() > until => return Err(self.refuse("it does not end when told to".to_owned())),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn ask(&mut self, line: &str, limit: Duration) -> Result<Steps, Refusal> {
        self.say(line)?;
        let answer = self.answer(line, limit)?;
        match (answer["steps"].as_u64(), answer["us_per_step"].as_f64()) {
            (Some(count), Some(us)) if count > 0 && us > 0.0 && us.is_finite() => Ok(Steps { count, us }),
            _ => Err(self.refuse(format!("to `{line}` it answers without steps or us_per_step above 0: {answer}"))),
        }
    }

    fn say(&mut self, line: &str) -> Result<(), Refusal> {
        let written = match &mut self.child.stdin {
            Some(pipe) => writeln!(pipe, "{line}").and_then(|()| pipe.flush()),
            None => Ok(()),
        };
        written.map_err(|_| self.death(line))
    }

    fn answer(&mut self, to: &str, limit: Duration) -> Result<Value, Refusal> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(value @ Value::Object(_)) => Ok(value),
                _ => Err(self.refuse(format!("it answers `{to}` with something else than an object of JSON: {line}"))),
            },
            Err(RecvTimeoutError::Timeout) => {
                Err(self.refuse(format!("it does not answer `{to}` within {} s", limit.as_secs_f64())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.death(to)),
        }
    }

    /// It has closed its pipe: it is ending, if it has not ended yet.
    fn death(&mut self, to: &str) -> Refusal {
        for _ in 0..100 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return self.refuse(format!("it died before it answered `{to}`: {status}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.refuse(format!("it closed its output before it answered `{to}`"))
    }

    fn refuse(&mut self, why: String) -> Refusal {
        // What it wrote last may still be on its way through the pipe.
        std::thread::sleep(Duration::from_millis(50));
        let tail = self.errors.lock().map(|kept| kept.iter().cloned().collect()).unwrap_or_default();
        Refusal { why, tail }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(pipe: impl Read + Send + 'static, take: impl Fn(String) + Send + 'static) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            take(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    });
}

/// The first line of a program, or why it does not take part.
fn ready(line: &Value) -> Result<Ready, String> {
    match line["ready"].as_bool() {
        Some(true) => {}
        Some(false) => return Err(line["why"].as_str().unwrap_or("it gives no reason").to_owned()),
        None => return Err(format!("its first line does not say whether it is ready: {line}")),
    }
    let missing = |key: &str| format!("its first line has no {key}: {line}");
    Ok(Ready {
        version: line["version"].as_str().ok_or_else(|| missing("version"))?.to_owned(),
        backend: line["backend"].as_str().ok_or_else(|| missing("backend"))?.to_owned(),
        parameters: line["parameters"].as_u64().ok_or_else(|| missing("parameters"))?,
        first_step_us: line["first_step_us"].as_f64().ok_or_else(|| missing("first_step_us"))?,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const READY: &str = r#"echo '{"ready": true, "implementation": "x", "version": "1", "backend": "b", "parameters": 7, "first_step_us": 9.5}'"#;
    const LIMIT: Duration = Duration::from_secs(20);

    fn start(script: &str, limit: Duration) -> Result<(Running, Ready), Refusal> {
        Running::start(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn a_good_program_is_warmed_asked_and_ended() {
        let script = format!(
            "{READY}; read w s; echo '{{\"steps\": 3, \"us_per_step\": '$s'}}'; read r n; \
             echo '{{\"steps\": '$n', \"us_per_step\": 2.5}}'; read e; echo '{{\"peak_rss_mb\": 12.5}}'"
        );
        let (mut peer, ready) = start(&script, LIMIT).unwrap();
        assert_eq!((ready.parameters, ready.first_step_us, ready.backend.as_str()), (7, 9.5, "b"));
        assert_eq!(peer.warm(0.5, LIMIT).unwrap(), Steps { count: 3, us: 0.5 });
        assert_eq!(peer.round(40, LIMIT).unwrap(), Steps { count: 40, us: 2.5 });
        assert_eq!(peer.end(LIMIT).unwrap(), Some(12.5));
    }

    #[test]
    fn a_program_that_dies_is_noted_with_its_last_words() {
        let refusal = start("echo 'no module named x' >&2; exit 3", LIMIT).err().unwrap();
        assert!(refusal.why.contains("died") && refusal.why.contains('3'), "{}", refusal.why);
        assert_eq!(refusal.tail, ["no module named x"]);
        let (mut peer, _) = start(&format!("{READY}; read line; exit 1"), LIMIT).unwrap();
        assert!(peer.round(1, LIMIT).unwrap_err().why.contains("died before it answered `round 1`"));
    }

    #[test]
    fn a_program_that_cannot_do_it_says_why() {
        let refusal = start(r#"echo '{"ready": false, "why": "no RMSprop"}'"#, LIMIT).err().unwrap();
        assert_eq!(refusal.why, "no RMSprop");
    }

    #[test]
    fn garbage_and_half_answers_are_refused() {
        let refusal = start("echo Welcome!; read line", LIMIT).err().unwrap();
        assert!(refusal.why.contains("Welcome!"), "{}", refusal.why);
        let refusal =
            start(r#"echo '{"ready": true, "version": "1", "backend": "b"}'; read line"#, LIMIT).err().unwrap();
        assert!(refusal.why.contains("no parameters"), "{}", refusal.why);
        for answer in ["{\"steps\": 0, \"us_per_step\": 1}", "{\"us_per_step\": 1}", "{\"steps\": 1}", "[1]"] {
            let (mut peer, _) = start(&format!("{READY}; read line; echo '{answer}'; read line"), LIMIT).unwrap();
            assert!(peer.round(1, LIMIT).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_program_that_hangs_is_given_up_and_killed() {
        let refusal = start("exec sleep 1000", Duration::from_millis(200)).err().unwrap();
        assert!(refusal.why.contains("does not answer `ready` within 0.2 s"), "{}", refusal.why);
        let (peer, _) = start(&format!("{READY}; read e; echo '{{}}'; exec sleep 1000"), LIMIT).unwrap();
        // On a busy machine the answer may be as late as the end.
        assert!(peer.end(Duration::from_secs(1)).unwrap_err().why.contains("does not"));
    }
}
