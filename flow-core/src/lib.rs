//! The core of typed-flow: tasks, parameters, keys, plans, the store and the engine.
//!
//! Users depend on the facade, `typed-flow`, which re-exports what they need of this crate.

#[doc(hidden)]
pub mod __private;
mod check;
mod code;
mod command;
mod content;
mod cx;
mod engine;
mod error;
mod export;
mod flow;
pub mod fs;
mod input;
mod keep;
mod key;
mod known;
mod loaded;
mod panics;
mod param;
mod plan;
mod plot;
mod remote;
mod require;
mod secret;
mod setting;
mod store;
mod summary;
mod sweep;
pub mod target;
mod task;
pub mod value;

pub use check::{Checked, Problems, check};
pub use code::{Code, Tracked};
pub use command::Command;
pub use cx::{Cx, Over, Variants, With};
pub use engine::progress::Event;
pub use engine::stopper::Stopper;
pub use error::{Error, LoadError, RequireError, SelectError};
pub use flow::{Bless, Blessed, Difference, NotBlessed};
pub use flow::{Damage, Flow, Garbage, Gc, Of, Removed, Roots, Verified};
pub use flow::{Handed, Skipped, Transferred};
pub use input::{Input, InputPart, Inputs};
pub use keep::{File, Gathered, Keep, KeepPart, Memory, Outputs, Part, Several};
pub use key::{Digest, Key, NotHex};
pub use loaded::Loaded;
pub use param::{IntoParam, Param, Parameter};
pub use plan::change::CodeChange;
pub use plan::cost::Cost;
pub use plan::error::{PlanError, PlanErrorKind};
pub use plan::instance::Instance;
pub use plan::label::Show;
pub use plan::reason::{InputChange, Reason};
pub use plan::tree::Preview;
pub use plan::trust::Trust;
pub use plan::verdicts::Status;
pub use plan::warning::Warning;
pub use plan::why::{Cause, Step, Why};
pub use plot::Plot;
pub use remote::{Remote, RemoteFolder};
pub use secret::Secret;
pub use setting::Setting;
pub use store::error::StoreError;
pub use store::verify::Harm;
pub use summary::{Entry, Summary};
pub use sweep::VariantOutcome;
pub use sweep::{Best, Cells, Column, Drawn, Sweep, SweepError, SweepPreview, SweepSummary, Table};
pub use target::{Columnar, Pieces, Sink, Source, Streaming, Target};
pub use task::{Output, Run, Task, Uses};

/// The crate of the dates that [`Sweep::days`] takes, in the version that it takes.
#[doc(no_inline)]
pub use jiff;
