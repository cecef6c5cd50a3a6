//! Plots: the graph of a flow as a picture.
//!
//! A [`Plot`] is a plan, drawn when it is asked for in one of four languages. What is drawn is found
//! first, as boxes and arrows (`drawing`): a box for each instance or, where there are too many, for
//! all instances of a task. Then it is written as `text`, in the language of Graphviz (`dot`) or of
//! `mermaid`, or laid out (`layout`) as a picture of its own (`svg`).

mod dot;
mod drawing;
mod layout;
mod mermaid;
mod svg;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::plan::Plan;
use crate::plot::drawing::Drawing;

/// How many boxes are drawn before instances of a task share one.
const MOST: usize = 60;

/// The graph of a flow as a picture: what each task requires, and whether it is complete.
///
/// Made by [`Flow::plot`](crate::Flow::plot) and [`Sweep::plot`](crate::Sweep::plot). An arrow leads
/// from a task to those that require it; it is dashed if they did so while they ran. What such a one
/// has required itself while it ran is not drawn. Of more than 60 instances, those of one task are one
/// box, unless [`by_instance`](Self::by_instance) is said.
#[derive(Clone)]
pub struct Plot {
    plan: Arc<Plan>,
    boxes: Boxes,
}

/// What has a box of its own.
#[derive(Clone, Copy)]
enum Boxes {
    Fitting,
    Tasks,
    Instances,
}

impl Plot {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, boxes: Boxes::Fitting }
    }

    /// Draws one box for each task, with the number of its instances.
    pub fn by_task(self) -> Self {
        Self { boxes: Boxes::Tasks, ..self }
    }

    /// Draws one box for each instance, however many there are.
    pub fn by_instance(self) -> Self {
        Self { boxes: Boxes::Instances, ..self }
    }

    /// In the language of [Graphviz](https://graphviz.org/doc/info/lang.html): `dot -Tpng flow.dot`.
    pub fn to_dot(&self) -> String {
        dot::written(&self.drawing())
    }

    /// In the language of [Mermaid](https://mermaid.js.org/syntax/flowchart.html), which many sites
    /// draw where it stands in a Markdown file.
    pub fn to_mermaid(&self) -> String {
        mermaid::written(&self.drawing())
    }

    /// A picture that needs nothing else: a file `flow.svg`, or a part of a page. Point at a box to
    /// read all of its parameters and reasons. In a dense one, arrows may cross
    /// boxes.
    pub fn to_svg(&self) -> String {
        svg::written(&self.drawing())
    }

    fn drawing(&self) -> Drawing {
        let drawing = Drawing::of_instances(&self.plan);
        match self.boxes {
            Boxes::Instances => drawing,
            Boxes::Fitting if drawing.boxes.len() <= MOST => drawing,
            Boxes::Fitting | Boxes::Tasks => drawing.by_task(),
        }
    }
}

/// A line for each box, each after what it requires.
impl fmt::Display for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::written(&self.drawing()))
    }
}

impl fmt::Debug for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
