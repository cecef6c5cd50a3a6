//! The tasks of the tests. Some have texts that would run if they were not escaped.

use std::path::PathBuf;

use flow::prelude::*;

/// A text that ends an element and an attribute, and would begin a script.
pub(crate) const SCRIPT: &str = "\"'></pre><script>alert(1)</script>";

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) x: f64,
    #[serde(rename = "<b>label</b>")]
    pub(crate) label: String,
}

/// Makes points.
#[derive(Task)]
#[task(target = Csv<Vec<Point>>, group = "prepare")]
pub(crate) struct Points {
    /// The number of points.
    #[param(default = 3)]
    pub(crate) n: u32,
    /// The label of each point.
    #[param(default = "<i>p</i>")]
    pub(crate) label: String,
}

#[tracked]
impl Run for Points {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Point>> {
        cx.log(format!("making {} points {SCRIPT}", self.n));
        cx.meta("points <b>", self.n)?;
        cx.meta("note", SCRIPT)?;
        Ok((0..self.n).map(|n| Point { x: f64::from(n), label: self.label.clone() }).collect())
    }
}

/// The mean of the points.
#[derive(Task)]
#[task(requires = Points, target = Json<Vec<f64>>)]
pub(crate) struct Mean;

#[tracked]
impl Run for Mean {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<f64>> {
        let points = cx.input().load()?;
        let sum: f64 = points.iter().map(|point| point.x).sum();
        Ok(vec![sum / points.len() as f64])
    }
}

/// Draws the points.
#[derive(Task)]
#[task(requires = Points, target = Json<u64>)]
pub(crate) struct Drawn {
    /// The radius of the circle.
    #[param(default = 1)]
    pub(crate) radius: u64,
    /// The bytes of a comment in the figure.
    #[param(default = 0)]
    pub(crate) comment: usize,
}

#[tracked]
impl Run for Drawn {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (radius, comment) = (self.radius, "x".repeat(self.comment));
        cx.figure(
            "circle",
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><circle r=\"{radius}\"/><!--{comment}--></svg>"),
        )?;
        cx.note(format!("A *circle* ![image](http://example.org/i.png) {SCRIPT}"))?;
        cx.meta("area", 3 * radius * radius)?;
        Ok(radius)
    }
}

/// Points that another program writes.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Point>>)]
pub(crate) struct Outside {
    pub(crate) path: PathBuf,
}

/// Fails.
#[derive(Task)]
#[task(requires = Mean, target = Json<u64>)]
pub(crate) struct Failing;

#[tracked]
impl Run for Failing {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.log("about to fail");
        Err(anyhow!("the file ends {SCRIPT}")).context("cannot read")
    }
}

/// One of many.
#[derive(Task)]
#[task(target = Json<u64>, group = "leaves")]
pub(crate) struct Leaf {
    pub(crate) id: u64,
}

#[tracked]
impl Run for Leaf {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.id)
    }
}

/// Requires many.
#[derive(Task)]
#[task(requires = [Leaf { id } for id in 0..self.width], target = Json<u64>)]
pub(crate) struct Tree {
    #[param(default = 250)]
    pub(crate) width: u64,
}

#[tracked]
impl Run for Tree {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().len() as u64)
    }
}

/// Runs until it is stopped.
#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Endless;

#[tracked]
impl Run for Endless {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.status(SCRIPT);
        for round in 0.. {
            cx.progress(round.min(60), 100);
            cx.checkpoint()?;
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(0)
    }
}
