//! One workload at one number of threads: every program started, warmed and asked in turn, round by round.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::args::Plan;
use super::child::{Ready, Refusal, Running};
use super::peers::Program;
use super::workload::Workload;

/// Compilation may take minutes.
const START: Duration = Duration::from_secs(600);
const END: Duration = Duration::from_secs(30);

/// After its turn a program is left alone for so long: threads of some libraries keep a core busy for a tenth of a second and more while
/// they wait for work that may come, and would take it from the next program.
const SETTLE: Duration = Duration::from_millis(150);

/// Seconds a program is warmed before its rounds.
const WARM: f64 = 0.5;

/// The figures of one program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timed {
    pub(crate) implementation: String,
    pub(crate) ready: Ready,
    /// Microseconds per step of each round, in order.
    pub(crate) rounds: Vec<f64>,
    pub(crate) steps_per_round: u64,
    pub(crate) peak_rss_mb: Option<f64>,
}

/// What came of one workload at one number of threads.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Measured {
    /// Ours first.
    pub(crate) timed: Vec<Timed>,
    /// Programs that take no part, with the reason.
    pub(crate) refused: Vec<(String, String)>,
}

struct Runner {
    program: Running,
    timed: Timed,
}

/// Measures `programs`, of which the first is ours: without it there is nothing to compare.
pub(crate) fn measure(
    programs: &[Program],
    workload: &Workload,
    threads: usize,
    pinned: bool,
    plan: &Plan,
) -> Result<Measured, String> {
    let mut refused = BTreeMap::new();
    let note = |refused: &mut BTreeMap<String, String>, name: &str, refusal: Refusal| {
        eprintln!("    {name} takes no part: {}", refusal.why);
        for line in &refusal.tail {
            eprintln!("      | {line}");
        }
        let last = refusal.tail.iter().rev().find(|line| !line.trim().is_empty());
        let last = last.map_or_else(String::new, |line| format!("; its last line of errors: {}", line.trim()));
        refused.insert(name.to_owned(), without_paths(&format!("{}{last}", refusal.why)));
    };
    let mut runners: Vec<Runner> = Vec::new();
    for program in programs {
        // One after the other: the first step is timed too.
        eprintln!("  {}: starting {}", label(workload, threads), program.implementation);
        let ours = runners.first().map(|r| r.timed.ready.parameters);
        match start(program, &workload.path, threads, pinned, plan.seconds, ours) {
            Ok(runner) => runners.push(runner),
            Err(refusal) => note(&mut refused, &program.implementation, refusal),
        }
        if runners.is_empty() {
            return Err(format!("ours does not run: {}", refused.into_values().collect::<String>()));
        }
    }
    for round in 0..plan.rounds {
        eprintln!("  {}: round {} of {}", label(workload, threads), round + 1, plan.rounds);
        let names: Vec<String> = runners.iter().map(|r| r.timed.implementation.clone()).collect();
        for name in rotated(names, round) {
            let Some(at) = runners.iter().position(|r| r.timed.implementation == name) else { continue };
            let runner = &mut runners[at];
            // A machine that is busy elsewhere may be many times slower, yet not for ever.
            let limit = Duration::from_secs_f64(60.0 + 20.0 * plan.seconds);
            match runner.program.round(runner.timed.steps_per_round, limit) {
                Ok(steps) => {
                    runner.timed.rounds.push(steps.us);
                    std::thread::sleep(SETTLE);
                }
                Err(refusal) => {
                    note(&mut refused, &name, refusal);
                    runners.remove(at);
                }
            }
        }
    }
    let mut measured = Measured::default();
    for mut runner in runners {
        match runner.program.end(END) {
            Ok(peak) => {
                runner.timed.peak_rss_mb = peak;
                measured.timed.push(runner.timed);
            }
            Err(refusal) => note(&mut refused, &runner.timed.implementation, refusal),
        }
    }
    if measured.timed.first().is_none_or(|first| first.implementation != programs[0].implementation) {
        return Err(format!(
            "ours does not run to its end: {}",
            refused.remove(&programs[0].implementation).unwrap_or_default()
        ));
    }
    measured.refused = refused.into_iter().collect();
    Ok(measured)
}

fn start(
    program: &Program,
    workload: &Path,
    threads: usize,
    pinned: bool,
    seconds: f64,
    parameters: Option<u64>,
) -> Result<Runner, Refusal> {
    let mut words = program.words.iter();
    let first = words.next().map(|w| w.as_os_str().to_owned()).unwrap_or_default();
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(first);
        command
    } else {
        Command::new(first)
    };
    command.args(words).arg(workload).arg(threads.to_string()).arg(&program.variant);
    let (mut running, ready) = Running::start(&mut command, START)?;
    if let Some(ours) = parameters.filter(|ours| *ours != ready.parameters) {
        let why = format!("it trains {} parameters and ours {ours}: that is other work", ready.parameters);
        return Err(Refusal { why, tail: Vec::new() });
    }
    let warm = running.warm(WARM, START)?;
    let steps = (1e6 * seconds / warm.us).round().max(1.0) as u64;
    let timed = Timed {
        implementation: program.implementation.clone(),
        ready,
        rounds: Vec::new(),
        steps_per_round: steps,
        peak_rss_mb: None,
    };
    Ok(Runner { program: running, timed })
}

/// The order of a round: each begins one program later.
fn rotated(mut names: Vec<String>, round: usize) -> Vec<String> {
    let by = round % names.len().max(1);
    names.rotate_left(by);
    names
}

/// `w1 with 2 threads`.
pub(crate) fn label(workload: &Workload, threads: usize) -> String {
    format!("{} with {threads} thread{}", workload.name, if threads == 1 { "" } else { "s" })
}

/// A message without the folders of this machine: a record is for everybody.
fn without_paths(text: &str) -> String {
    let short = |word: &str| match word.rfind(['/', '\\']) {
        Some(at) if word[..at].contains(['/', '\\']) => {
            let quote: String = word.chars().take_while(|c| "\"'(`".contains(*c)).collect();
            format!("{quote}.../{}", &word[at + 1..])
        }
        _ => word.to_owned(),
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_comes_first_in_turn() {
        let order = |round| rotated(["a", "b", "c"].map(str::to_owned).to_vec(), round).join("");
        assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
        assert!(rotated(Vec::new(), 3).is_empty());
    }

    #[test]
    fn a_message_names_no_folder() {
        let text = "File \"/home/me/x/peer.py\", line 3, and/or C:\\a\\b.dll";
        assert_eq!(without_paths(text), "File \".../peer.py\", line 3, and/or .../b.dll");
    }

    #[cfg(unix)]
    mod with_programs {
        use super::*;
        use crate::bench::args::{self, Wish};
        use crate::bench::workload;

        fn program(name: &str, parameters: u64, rounds: &str) -> Program {
            let script = format!(
                "echo '{{\"ready\": true, \"version\": \"1\", \"backend\": \"b\", \"parameters\": {parameters}, \"first_step_us\": 1}}'
                 while read word n; do case $word in
                 warm) echo '{{\"steps\": 3, \"us_per_step\": 1000}}';;
                 round) {rounds};;
                 end) echo '{{\"peak_rss_mb\": 1.5}}'; exit 0;;
                 esac; done"
            );
            let words = ["sh".into(), "-c".into(), script.into()].to_vec();
            Program { implementation: name.to_owned(), words, variant: "default".to_owned() }
        }

        fn run(programs: &[Program]) -> Result<Measured, String> {
            let Ok(Wish::Measure(plan)) = args::parse(Vec::new()) else { panic!("no plan") };
            let workload = workload::find(&["w1".to_owned()]).unwrap().remove(0);
            measure(programs, &workload, 2, false, &plan)
        }

        const GOOD: &str = "echo '{\"steps\": '$n', \"us_per_step\": 2}'";

        #[test]
        fn all_rounds_of_all_programs_are_kept() {
            let measured = run(&[program("ours", 7, GOOD), program("other", 7, GOOD)]).unwrap();
            let names: Vec<&str> = measured.timed.iter().map(|t| t.implementation.as_str()).collect();
            assert_eq!(names, ["ours", "other"]);
            for timed in &measured.timed {
                assert_eq!((timed.rounds.as_slice(), timed.steps_per_round), (&[2.0; 7][..], 300));
                assert_eq!(timed.peak_rss_mb, Some(1.5));
            }
            assert!(measured.refused.is_empty());
        }

        #[test]
        fn other_work_and_a_death_between_rounds_are_refused() {
            let dies = "echo gone >&2; exit 4";
            let measured =
                run(&[program("ours", 7, GOOD), program("more", 8, GOOD), program("dies", 7, dies)]).unwrap();
            assert_eq!(measured.timed.len(), 1);
            let why: BTreeMap<_, _> = measured.refused.into_iter().collect();
            assert!(why["more"].contains("8 parameters and ours 7"), "{why:?}");
            assert!(why["dies"].contains("died") && why["dies"].ends_with("gone"), "{why:?}");
        }

        #[test]
        fn without_ours_there_is_no_comparison() {
            assert!(run(&[program("ours", 7, "exit 1"), program("other", 7, GOOD)]).unwrap_err().contains("ours"));
            assert!(run(&[program("ours", 7, "echo x"), program("other", 7, GOOD)]).unwrap_err().contains("ours"));
        }
    }
}
