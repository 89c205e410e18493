//! A few steps of a workload on one thread and nothing else, for a tool that counts instructions: `counted WORKLOAD.toml STEPS`.

use std::path::Path;
use std::process::ExitCode;

use layerwise_benches::Workload;
use layerwise_tensor::DType;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [workload, steps] = args.as_slice() else {
        eprintln!("usage: counted WORKLOAD.toml STEPS");
        return ExitCode::from(2);
    };
    match run(Path::new(workload), steps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("counted: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(workload: &Path, steps: &str) -> Result<(), String> {
    let steps: usize = steps.parse().map_err(|_| format!("STEPS is a number, not `{steps}`"))?;
    let workload = Workload::read(workload)?;
    // Outside any pool: the caller alone works, and every run does the same.
    match workload.dtype {
        DType::F32 => {
            let mut prepared = workload.prepare::<f32>()?;
            for _ in 0..steps {
                std::hint::black_box(prepared.step());
            }
        }
        DType::F64 => {
            let mut prepared = workload.prepare::<f64>()?;
            for _ in 0..steps {
                std::hint::black_box(prepared.step());
            }
        }
    }
    Ok(())
}
