//! The command line of `bench`.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::cmd::{Failure, Outcome};

use super::peers;

/// Fewer rounds give no interval worth the name.
const FEWEST_ROUNDS: usize = 5;

/// What `bench` is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// Measure.
    Measure(Plan),
    /// Install these peers.
    Install(Vec<String>),
    /// Compare what the programs compute.
    Agree(Plan),
    /// Measure our own program against width, depth, batch and element type.
    Sweep(Plan),
    /// Write the page from the committed records.
    Page,
}

/// What is measured, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Names or paths of workloads; none means all.
    pub(crate) names: Vec<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) threads: Vec<usize>,
    pub(crate) rounds: usize,
    /// How long one program works in one round.
    pub(crate) seconds: f64,
    /// `auto`, `openblas` or `rust`: whether our build with OpenBLAS is measured beside the default one.
    pub(crate) blas: String,
    /// Where the record goes.
    pub(crate) json: Option<PathBuf>,
}

/// Reads the command line.
pub(crate) fn parse(args: Vec<String>) -> Outcome<Wish> {
    let mut plan = Plan {
        names: Vec::new(),
        peers: peers::names(),
        threads: vec![1, 2],
        rounds: 7,
        seconds: 0.3,
        blas: "auto".to_owned(),
        json: None,
    };
    let (mut install, mut page, mut agree, mut sweep) = (false, false, false, false);
    let (mut options, mut timed, mut compared) = (false, false, false);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        options |= matches!(arg, Long(name) if !["install", "page", "agree", "sweep"].contains(&name));
        timed |= matches!(arg, Long("rounds" | "seconds" | "json"));
        compared |= matches!(arg, Long("peers" | "blas"));
        match arg {
            Value(name) => plan.names.push(name.string()?),
            Long("peers") => plan.peers = peers_of(&parser.value()?.string()?)?,
            Long("threads") => plan.threads = threads_of(&parser.value()?.string()?)?,
            Long("rounds") => {
                plan.rounds = parser.value()?.parse()?;
                if plan.rounds < FEWEST_ROUNDS {
                    return Err(Failure::usage(format!(
                        "--rounds takes {FEWEST_ROUNDS} or more, not {}: the interval of a ratio needs them",
                        plan.rounds
                    )));
                }
            }
            Long("seconds") => {
                plan.seconds = parser.value()?.parse()?;
                if !(plan.seconds > 0.0 && plan.seconds <= 600.0) {
                    return Err(Failure::usage("--seconds takes a time above 0 and up to 600"));
                }
            }
            Long("blas") => {
                plan.blas = parser.value()?.string()?;
                if !["auto", "openblas", "rust"].contains(&plan.blas.as_str()) {
                    return Err(Failure::usage(format!("--blas takes auto, openblas or rust, not `{}`", plan.blas)));
                }
            }
            Long("json") => plan.json = Some(parser.value()?.into()),
            Long("install") => install = true,
            Long("page") => page = true,
            Long("agree") => agree = true,
            Long("sweep") => sweep = true,
            other => return Err(other.unexpected().into()),
        }
    }
    match (install, page, agree, sweep) {
        (false, false, false, false) => Ok(Wish::Measure(plan)),
        (true, false, false, false) if !options => Ok(Wish::Install(installed(plan.names)?)),
        (false, true, false, false) if !options && plan.names.is_empty() => Ok(Wish::Page),
        (false, false, true, false) if !timed => Ok(Wish::Agree(plan)),
        (false, false, false, true) if !compared && plan.names.is_empty() => Ok(Wish::Sweep(plan)),
        _ => Err(Failure::usage(
            "--install takes names of peers only, --page stands alone, --agree takes neither --rounds nor --seconds nor --json, and \
             --sweep neither names nor --peers nor --blas",
        )),
    }
}

/// `jax,torch`, or `none`: ours alone.
fn peers_of(list: &str) -> Outcome<Vec<String>> {
    if list == "none" { Ok(Vec::new()) } else { known(list.split(',').map(str::to_owned).collect()) }
}

fn installed(names: Vec<String>) -> Outcome<Vec<String>> {
    if names.is_empty() { Ok(peers::names()) } else { known(names) }
}

fn known(names: Vec<String>) -> Outcome<Vec<String>> {
    match names.iter().find(|name| !peers::names().contains(name)) {
        Some(name) => {
            Err(Failure::usage(format!("there is no peer `{name}`: the peers are {}", peers::names().join(", "))))
        }
        None => Ok(distinct(names)),
    }
}

fn threads_of(list: &str) -> Outcome<Vec<usize>> {
    let parse = |word: &str| match word.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(Failure::usage(format!("--threads takes numbers above 0 such as 1,2, not `{list}`"))),
    };
    list.split(',').map(parse).collect::<Outcome<_>>().map(distinct)
}

/// The list without what it already has; nothing is measured twice.
fn distinct<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut found = Vec::with_capacity(list.len());
    for item in list {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Outcome<Wish> {
        parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn everything_has_a_default() {
        let Ok(Wish::Measure(plan)) = read("") else { panic!("nothing is measured") };
        assert_eq!((plan.threads.as_slice(), plan.rounds, plan.seconds), (&[1, 2][..], 7, 0.3));
        assert_eq!((plan.peers, plan.names.len()), (peers::names(), 0));
    }

    #[test]
    fn options_are_read() {
        let line =
            "w2 my/own.toml --peers jax,torch,jax --threads 2 --rounds 9 --seconds 0.1 --json out.json --blas rust";
        let Ok(Wish::Measure(plan)) = read(line) else { panic!("nothing is measured") };
        assert_eq!(plan.names, ["w2", "my/own.toml"]);
        assert_eq!(plan.peers, ["jax", "torch"]);
        assert_eq!((plan.threads.as_slice(), plan.rounds, plan.seconds), (&[2][..], 9, 0.1));
        assert_eq!((plan.json, plan.blas.as_str()), (Some("out.json".into()), "rust"));
        let Ok(Wish::Measure(alone)) = read("--peers none") else { panic!("nothing is measured") };
        assert!(alone.peers.is_empty());
    }

    #[test]
    fn install_takes_peers_and_page_nothing() {
        assert_eq!(read("--install").unwrap(), Wish::Install(peers::names()));
        assert_eq!(read("--install torch").unwrap(), Wish::Install(vec!["torch".to_owned()]));
        assert_eq!(read("--page").unwrap(), Wish::Page);
        assert!(matches!(read("--sweep --json a --threads 1").unwrap(), Wish::Sweep(_)));
        for wrong in [
            "--page w1",
            "--install --page",
            "--agree --page",
            "--agree --json a",
            "--agree --rounds 7",
            "--install numpy",
            "--install --rounds 7",
            "--page --json a",
            "--sweep w1",
            "--sweep --peers jax",
        ] {
            assert_eq!(read(wrong).unwrap_err().status, 2, "{wrong}");
        }
    }

    #[test]
    fn agreement_takes_workloads_peers_and_threads() {
        let Ok(Wish::Agree(plan)) = read("--agree w3 --peers jax --threads 2") else { panic!("nothing is compared") };
        assert_eq!((plan.names, plan.peers), (vec!["w3".to_owned()], vec!["jax".to_owned()]));
        assert_eq!(plan.threads, [2]);
    }

    #[test]
    fn a_wrong_line_is_refused() {
        let wrong = ["--rounds 4", "--threads 0", "--threads x", "--seconds 0", "--seconds nan", "--peers numpy"];
        for line in wrong.iter().chain(&["--blas mkl", "--fast", "--rounds"]) {
            assert_eq!(read(line).unwrap_err().status, 2, "{line}");
        }
    }
}
