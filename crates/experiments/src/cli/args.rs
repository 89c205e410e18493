//! Arguments into a [`Command`].

use super::Failure;
use crate::experiment::Profile;
use crate::settings::Change;
use crate::table::unknown;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// What is asked.
#[derive(Debug)]
pub(super) enum Command {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// `list`.
    List { json: bool },
    /// `report`.
    Report { out: PathBuf, records: Option<PathBuf> },
    /// `run`.
    Run(Box<RunOptions>),
    /// `data`.
    Data { action: DataAction, home: Option<PathBuf> },
}

/// What to do with the data.
#[derive(Debug, PartialEq)]
pub(super) enum DataAction {
    /// `data list`.
    List,
    /// `data fetch`.
    Fetch(Vec<String>),
    /// `data verify`.
    Verify,
}

/// The options of `run`.
#[derive(Debug)]
pub(super) struct RunOptions {
    pub(super) names: Vec<String>,
    pub(super) all: bool,
    pub(super) profile: Profile,
    pub(super) seeds: Option<usize>,
    pub(super) first_seed: u64,
    pub(super) threads: Option<usize>,
    pub(super) jobs: Option<usize>,
    pub(super) changes: Vec<Change>,
    pub(super) data: Option<PathBuf>,
    pub(super) out: PathBuf,
    pub(super) fresh: bool,
    pub(super) shard: Option<(usize, usize)>,
    pub(super) only: Option<String>,
    pub(super) records: Option<PathBuf>,
    pub(super) portable: bool,
}

const COMMANDS: [&str; 4] = ["run", "list", "report", "data"];
const FLAGS: [&str; 20] = [
    "all", "profile", "seeds", "seed", "threads", "jobs", "set", "grid", "budget", "fresh", "shard", "only", "records",
    "portable", "data", "out", "json", "help", "version", "blas",
];

/// The command of the arguments (without the program's name).
pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Failure> {
    parse_command(Parser::from_args(arguments)).map_err(|e| Failure::Usage(e.to_string()))
}

fn parse_command(mut p: Parser) -> Result<Command, lexopt::Error> {
    let mut words: Vec<String> = Vec::new();
    let mut json = false;
    let mut o = RunOptions {
        names: Vec::new(),
        all: false,
        profile: Profile::default(),
        seeds: None,
        first_seed: 0,
        threads: None,
        jobs: None,
        changes: Vec::new(),
        data: None,
        out: "runs".into(),
        fresh: false,
        shard: None,
        only: None,
        records: None,
        portable: false,
    };
    while let Some(arg) = p.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Long("all") => o.all = true,
            Arg::Long("fresh") => o.fresh = true,
            Arg::Long("shard") => o.shard = Some(shard(&p.value()?.string()?)?),
            Arg::Long("only") => o.only = Some(p.value()?.string()?),
            Arg::Long("records") => o.records = Some(p.value()?.into()),
            Arg::Long("portable") => o.portable = true,
            Arg::Long("json") => json = true,
            Arg::Long("profile") => {
                let name = p.value()?.string()?;
                o.profile =
                    Profile::parse(&name).ok_or_else(|| unknown("profile", &name, &["smoke", "quick", "full"]))?;
            }
            Arg::Long("seeds") => o.seeds = Some(at_least_one(p.value()?, "seeds")?),
            Arg::Long("seed") => o.first_seed = p.value()?.parse()?,
            Arg::Long("threads") => o.threads = Some(at_least_one(p.value()?, "threads")?),
            Arg::Long("jobs") => o.jobs = Some(at_least_one(p.value()?, "jobs")?),
            Arg::Long("set") => o.changes.push(Change::set(&p.value()?.string()?)?),
            Arg::Long("grid") => o.changes.push(Change::grid(&p.value()?.string()?)?),
            Arg::Long("budget") => {
                let name = p.value()?.string()?;
                const BUDGETS: [&str; 3] = ["equal-parameters", "equal-flops", "equal-time"];
                if !BUDGETS.contains(&name.as_str()) {
                    return Err(unknown("budget", &name, &BUDGETS).into());
                }
                o.changes.push(Change::set(&format!("budget={name}"))?);
            }
            Arg::Long("data") => o.data = Some(p.value()?.into()),
            Arg::Long("out") => o.out = p.value()?.into(),
            Arg::Long("blas") => {
                return Err("`--blas` is decided when the program is built: use `cargo xtask run --blas ...`".into());
            }
            Arg::Long(name) => return Err(unknown("option", name, &FLAGS).into()),
            Arg::Short(c) => return Err(format!("no option `-{c}`").into()),
            Arg::Value(word) => words.push(word.string()?),
        }
    }
    finish(words, json, o).map_err(Into::into)
}

fn finish(words: Vec<String>, json: bool, mut o: RunOptions) -> Result<Command, String> {
    if let Some(dir) = o.data.as_ref().filter(|d| !d.is_dir()) {
        return Err(format!("--data {}: there is no such folder", dir.display()));
    }
    let mut words = words.into_iter();
    let command = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let alone = |command: Command| match rest.first() {
        Some(word) => Err(format!("unexpected `{word}`")),
        None => Ok(command),
    };
    match command.as_str() {
        "run" => {
            o.names = rest;
            Ok(Command::Run(Box::new(o)))
        }
        "list" => alone(Command::List { json }),
        "report" => alone(Command::Report { out: o.out, records: o.records }),
        "data" => Ok(Command::Data { action: data_action(&rest)?, home: o.data }),
        "" => Ok(Command::Help),
        other => Err(unknown("command", other, &COMMANDS)),
    }
}

fn data_action(words: &[String]) -> Result<DataAction, String> {
    match words.split_first() {
        Some((w, [])) if w == "list" => Ok(DataAction::List),
        Some((w, [])) if w == "verify" => Ok(DataAction::Verify),
        Some((w, names)) if w == "fetch" && !names.is_empty() => Ok(DataAction::Fetch(names.to_vec())),
        Some((w, [])) if w == "fetch" => Err("`data fetch` needs a name; `data list` shows them".into()),
        Some((w, _)) => Err(unknown("data command", w, &["list", "fetch", "verify"])),
        None => Err("`data` needs a command: list, fetch or verify".into()),
    }
}

/// `i/n` with `i` from 0 to `n - 1`, as a job array counts them.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let pair = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    pair.filter(|(i, n)| i < n).ok_or_else(|| format!("--shard takes i/n with i from 0 to n - 1, not `{text}`"))
}

fn at_least_one(value: OsString, name: &str) -> Result<usize, lexopt::Error> {
    match value.parse::<usize>()? {
        0 => Err(format!("--{name} must be at least 1").into()),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(args: &[&str]) -> String {
        match parse(args.iter().map(OsString::from)) {
            Err(Failure::Usage(message)) => message,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_run_with_everything() {
        let line = "run a b --profile full --seeds 2 --seed 7 --threads 3 --jobs 2 --set x=1 --grid y=1,2 --out o --fresh --shard 1/4 --only v";
        let Ok(Command::Run(o)) = parse(line.split(' ').map(OsString::from)) else { panic!("not a run") };
        assert_eq!((o.names.len(), o.profile, o.seeds, o.first_seed), (2, Profile::Full, Some(2), 7));
        assert_eq!((o.threads, o.jobs, o.changes.len(), o.fresh), (Some(3), Some(2), 2, true));
        assert_eq!((o.shard, o.only.as_deref()), (Some((1, 4)), Some("v")));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_near() {
        assert!(usage(&["rnu"]).contains("did you mean `run`?"));
        assert!(usage(&["run", "--profil", "quick"]).contains("did you mean `profile`?"));
        assert!(usage(&["run", "--profile", "quik"]).contains("did you mean `quick`?"));
        assert!(usage(&["run", "--seeds", "0"]).contains("at least 1"));
        assert!(usage(&["run", "--seeds", "x"]).contains('x'));
        for shard in ["4/4", "1", "x/2", "0/0"] {
            assert!(usage(&["run", "--shard", shard]).contains("i/n"), "{shard}");
        }
        assert!(usage(&["run", "--set", "x"]).contains("path=value"));
        assert!(usage(&["run", "--data", "/no/such/folder"]).contains("no such folder"));
        assert!(usage(&["data"]).contains("list, fetch or verify"));
        assert!(usage(&["list", "x"]).contains("unexpected"));
    }
}
