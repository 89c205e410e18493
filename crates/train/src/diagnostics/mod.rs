//! Looking into a model: statistics of its layers, Jacobians, and doctors that name what is wrong.

mod data_rules;
mod doctor;
mod finding;
mod init_doctor;
mod init_rules;
mod jacobian;
mod mean_field;
mod recorder;
mod run_rules;
mod snapshot;
mod stats;
mod svd;

pub use doctor::TrainingDoctor;
pub use finding::{Code, Finding};
pub use init_doctor::{InitLayer, InitReport, init_doctor};
pub use jacobian::jacobian_singular_values;
pub use recorder::{ProbeCost, Recorder};
pub use snapshot::{LayerStats, Snapshot};
pub use stats::Stats;
