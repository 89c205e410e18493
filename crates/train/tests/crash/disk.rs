//! A disk that is full: a limit on the size of files, which the system enforces on any user.

use std::fs;
use std::process::{Command, Stdio};

use crate::kill::{Straight, said, start};
use crate::training;

/// The largest file, in blocks of 512 or 1024 bytes as the shell has it; a checkpoint of the training has megabytes.
const BLOCKS: &str = "1000";

/// A training that meets the limit says so and leaves its last good checkpoint, from which it goes on when there is room again.
pub(crate) fn a_full_disk_leaves_the_last_good_file(straight: &Straight) {
    let folder = tempfile::tempdir().unwrap();
    let path = training::checkpoint(folder.path());
    assert!(straight.checkpoint.len() > 1 << 21, "the checkpoint is too small to meet the limit");
    training::run(folder.path(), Some(20));
    let good = fs::read(&path).unwrap();

    // Ignored, the signal becomes an error of the write, as a full disk is.
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" child \"$1\"");
    let mut limited = Command::new("sh");
    limited.args(["-c", &script]).arg(std::env::current_exe().unwrap()).arg(folder.path());
    let mut child = limited.stdout(Stdio::piped()).spawn().unwrap();
    let status = child.wait().unwrap();
    let text = said(&mut child);
    assert_eq!(status.code(), Some(training::FAILED), "the limit was not met: {text}");
    assert!(text.contains("last.checkpoint: it could not be written"), "{text}");
    assert!(text.contains("the last good checkpoint is intact") && text.contains("Make room"), "{text}");
    assert!(fs::read(&path).unwrap() == good && !training::part(folder.path()).exists());

    let mut child = start(folder.path());
    assert!(child.wait().unwrap().success(), "{}", said(&mut child));
    assert!(straight.equals(folder.path()), "other bits after the disk was full");
    println!("disk: error={:?} intact=true equal=true", text.lines().last().unwrap_or_default());
}
