//! The guide, whose code blocks are compiled and run as documentation tests.
//!
//! Each chapter of `docs/guide` that has code is the documentation of a struct here. The module exists in documentation
//! tests alone. A chapter about the command line needs the cargo feature `cli`, that about data frames `polars-sql`,
//! that about databases `sqlite`, that about the page `page`, and that about other machines `cluster`.

#[doc = include_str!("../docs/guide/src/introduction.md")]
struct Introduction;

#[doc = include_str!("../docs/guide/src/first_pipeline.md")]
struct FirstPipeline;

#[doc = include_str!("../docs/guide/src/parameters.md")]
struct Parameters;

#[doc = include_str!("../docs/guide/src/dependencies.md")]
struct Dependencies;

#[doc = include_str!("../docs/guide/src/targets.md")]
struct Targets;

#[cfg(feature = "polars-sql")]
#[doc = include_str!("../docs/guide/src/data_frames.md")]
struct DataFrames;

#[cfg(feature = "page")]
#[doc = include_str!("../docs/guide/src/page.md")]
struct Page;

#[doc = include_str!("../docs/guide/src/reruns.md")]
struct Reruns;

#[cfg(feature = "sqlite")]
#[doc = include_str!("../docs/guide/src/databases.md")]
struct Databases;

#[doc = include_str!("../docs/guide/src/sweeps.md")]
struct Sweeps;

#[doc = include_str!("../docs/guide/src/testing.md")]
struct Testing;

#[doc = include_str!("../docs/guide/src/data_quality.md")]
struct DataQuality;

#[doc = include_str!("../docs/guide/src/figures.md")]
struct Figures;

#[doc = include_str!("../docs/guide/src/failures.md")]
struct Failures;

#[doc = include_str!("../docs/guide/src/sharing.md")]
struct Sharing;

#[cfg(feature = "cli")]
#[doc = include_str!("../docs/guide/src/command_line.md")]
struct CommandLine;

#[doc = include_str!("../docs/guide/src/iris_transcript.md")]
struct IrisTranscript;

#[doc = include_str!("../docs/guide/src/running.md")]
struct Running;

#[cfg(feature = "cluster")]
#[doc = include_str!("../docs/guide/src/cluster.md")]
struct Cluster;

#[doc = include_str!("../docs/guide/src/services.md")]
struct Services;

#[doc = include_str!("../docs/guide/src/store.md")]
struct Store;

#[doc = include_str!("../docs/guide/src/python.md")]
struct Python;

#[doc = include_str!("../docs/guide/src/python_outputs.md")]
struct PythonOutputs;

#[doc = include_str!("../docs/guide/src/from_d6tflow.md")]
struct FromD6tflow;

#[doc = include_str!("../docs/guide/src/json.md")]
struct Json;
