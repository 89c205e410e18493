//! Trainings that are killed at random moments, also in the middle of writing a checkpoint, end with the bits of one that never was.
//!
//! A program of its own, without the test harness, because it starts itself: `crash child FOLDER` trains, and is killed by SIGKILL. The
//! environment variable `LAYERWISE_KILLS` says how often, 12 times unless it is set. The line `crash: ...` is for programs to read.

mod disk;
mod kill;
mod training;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|a| a == "child") {
        Some(i) => training::run(arguments[i + 1].as_ref(), None),
        None if cfg!(unix) => {
            let straight = kill::Straight::train();
            kill::prove(&straight, kills());
            disk::a_full_disk_leaves_the_last_good_file(&straight);
        }
        None => println!("crash: not run, there is no SIGKILL here"),
    }
}

fn kills() -> usize {
    match std::env::var("LAYERWISE_KILLS") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("LAYERWISE_KILLS must be a number, found `{text}`")),
        Err(_) => 12,
    }
}
