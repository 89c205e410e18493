//! The parent: starts the training, kills it, starts it again.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use layerwise_tensor::Stream;

use crate::training;

/// The training that nobody disturbed.
pub(crate) struct Straight {
    pub(crate) result: Vec<u8>,
    pub(crate) checkpoint: Vec<u8>,
    takes: Duration,
}

impl Straight {
    pub(crate) fn train() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let mut child = start(folder.path());
        assert!(child.wait().unwrap().success(), "the undisturbed training failed: {}", said(&mut child));
        let takes = begun.elapsed();
        let read = |path| fs::read(path).unwrap();
        let checkpoint = read(training::checkpoint(folder.path()));
        Self { result: read(training::result(folder.path())), checkpoint, takes }
    }

    /// Whether a training that was disturbed ended with the same bits: returned parameters, report, and the whole last checkpoint.
    pub(crate) fn equals(&self, folder: &Path) -> bool {
        fs::read(training::result(folder)).unwrap() == self.result
            && fs::read(training::checkpoint(folder)).unwrap() == self.checkpoint
    }
}

/// Kills trainings at least `kills` times, at least a fifth of them while a checkpoint is being written, and compares how each ends.
pub(crate) fn prove(straight: &Straight, kills: usize) {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
    let mut chance = Chance { stream: Stream::new(seed), place: 0 };
    let (mut killed, mut inside, mut resumed, mut rounds, mut equal) = (0, 0, 0, 0, 0);
    while killed < kills || inside * 5 < killed {
        assert!(killed < 4 * kills, "{inside} of {killed} kills fell into a write, less than a fifth");
        let folder = tempfile::tempdir().unwrap();
        // Kills of this round, and those after which no start has told yet that it goes on.
        let (mut here, mut waiting) = (0, 0);
        loop {
            let enough = killed >= kills && inside * 5 >= killed;
            let mut child = start(folder.path());
            if !enough {
                disturb(&mut child, folder.path(), straight.takes, &mut chance, inside * 2 < killed);
            }
            let status = child.wait().unwrap();
            let text = said(&mut child);
            if text.lines().any(|l| l.starts_with("goes on from step=")) {
                resumed += waiting;
                waiting = 0;
            }
            if status.success() {
                break;
            }
            assert!(status.code().is_none(), "seed {seed}: the training failed: {text}");
            (killed, here, waiting) = (killed + 1, here + 1, waiting + 1);
            // The process is dead and nothing else touches the folder: a file half written says where it died.
            inside += usize::from(training::part(folder.path()).exists());
        }
        rounds += 1;
        equal += if straight.equals(folder.path()) { here } else { 0 };
    }
    println!("crash: kills={killed} inside_write={inside} resumed={resumed} equal={equal} rounds={rounds} seed={seed}");
    assert_eq!(equal, killed, "some kills led to other bits");
    assert_eq!(resumed, killed, "some trainings did not go on from a checkpoint");
}

/// Kills `child` after a random time or, aimed, at a random moment of a write.
fn disturb(child: &mut Child, folder: &Path, takes: Duration, chance: &mut Chance, aim: bool) {
    let aim = aim || chance.next() < 0.3;
    // From the first checkpoint on, which is written before the first step, nothing may be lost.
    while !training::has_checkpoint(folder) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    let until = Instant::now() + takes.mul_f64(0.4 * chance.next());
    let moment = Duration::from_millis(8).mul_f64(chance.next());
    while Instant::now() < until && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    if aim {
        while !training::part(folder).exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(moment);
    }
    // Fails where the training has ended by itself.
    let _ = child.kill();
}

pub(crate) fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("child").arg(folder).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a child that has ended said on standard output.
pub(crate) fn said(child: &mut Child) -> String {
    let mut text = String::new();
    child.stdout.take().map(|mut out| out.read_to_string(&mut text));
    text
}

/// Random moments, from a seed that the last line names.
struct Chance {
    stream: Stream,
    place: u64,
}

impl Chance {
    /// The next number in `[0, 1)`.
    fn next(&mut self) -> f64 {
        let mut number = [0.0f64];
        self.stream.uniform(self.place, &mut number);
        self.place += 1;
        number[0]
    }
}
