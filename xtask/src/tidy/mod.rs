//! `tidy`: the rules of the house as tests. Each rule is a function from what it looks at to the problems it finds.

mod criteria;
mod documented;
mod edges;
mod performance;
mod proof;
mod rings;
mod shelves;
mod sources;

use std::fmt;

use crate::cmd::{Failure, Outcome, root, say};

/// One broken rule: where, what, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.what, self.remedy)
    }
}

/// Runs every rule over the repository.
pub(crate) fn main(args: Vec<String>) -> Outcome {
    if !args.is_empty() {
        return Err(Failure::usage("tidy takes no options"));
    }
    let problems = all()?;
    for problem in &problems {
        say(problem);
    }
    match problems.len() {
        0 => {
            say("tidy: the rules of the house hold");
            Ok(())
        }
        n => Err(Failure::new(format!("tidy found {n} problem{}", if n == 1 { "" } else { "s" }))),
    }
}

fn all() -> Outcome<Vec<Problem>> {
    let root = root();
    let sources = sources::read(&root)?;
    let mut problems = edges::check(&edges::from_cargo()?);
    problems.extend(rings::check(&sources));
    problems.extend(documented::check(&sources));
    problems.extend(shelves::check(&sources));
    problems.extend(sources::check(&sources));
    problems.extend(criteria::check_repository(&root)?);
    problems.extend(proof::check(&root));
    problems.extend(performance::check(&root));
    Ok(problems)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let problems = super::all().unwrap();
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", text.join("\n"));
    }
}
