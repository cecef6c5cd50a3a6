//! Object stores as remotes: what is transferred, with how few requests, and what happens when requests fail.
//!
//! The stores are in memory or in a folder. A wrapper counts the requests and makes some of them fail. The tests of `s3` run
//! against a real server, which `.ci/long` starts.

mod collecting;
mod columns;
mod damage;
mod dry_run;
mod failing;
mod faulty;
mod large;
mod pushing;
mod racing;
mod refusing;
mod reusing;
#[cfg(feature = "s3")]
mod s3;
mod texts;
