//! Plots: the graph of a flow as a picture.
//!
//! A [`Plot`] is a plan that is drawn on request in one of four formats. First, `drawing` turns the plan into
//! boxes and arrows: a box for each instance or, if there are more than 60, for each task. Then the drawing
//! is written as `text`, as Graphviz (`dot`) or as `mermaid`; or it is laid out (`layout`) and written as a
//! picture (`svg`).
//!
//! DOT and Mermaid are written without a library, because each box is one line. Dynamic dependencies are
//! drawn, but not those that they required in turn: plans within plans are not kept, since they may nest
//! deeper than a stack.

mod dot;
mod drawing;
pub mod layout;
mod mermaid;
mod svg;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::plan::Plan;
use crate::plot::drawing::Drawing;

/// The number of instances from which each task has one box.
const MOST: usize = 60;

/// The graph of a flow as a picture: the dependencies of each task, and its status.
///
/// Created by [`Flow::plot`](crate::Flow::plot) and [`Sweep::plot`](crate::Sweep::plot). An arrow leads from
/// a task to those that require it. It is dashed if they required it while they ran; the dynamic dependencies
/// of such a task are not drawn. If there are more than 60 instances, each task has one box, unless
/// [`by_instance`](Self::by_instance) is called.
#[derive(Clone)]
pub struct Plot {
    plan: Arc<Plan>,
    boxes: Boxes,
}

/// What each box stands for.
#[derive(Clone, Copy)]
enum Boxes {
    Auto,
    Tasks,
    Instances,
}

impl Plot {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, boxes: Boxes::Auto }
    }

    /// Draws one box for each task, with the number of its instances.
    pub fn by_task(self) -> Self {
        Self { boxes: Boxes::Tasks, ..self }
    }

    /// Draws one box for each instance, however many there are.
    pub fn by_instance(self) -> Self {
        Self { boxes: Boxes::Instances, ..self }
    }

    /// Returns the plot in the language of Graphviz, for `dot -Tpng flow.dot`.
    ///
    /// See <https://graphviz.org/doc/info/lang.html>.
    pub fn to_dot(&self) -> String {
        dot::written(&self.drawing())
    }

    /// Returns the plot in the language of Mermaid, which many sites draw inside a Markdown file.
    ///
    /// See <https://mermaid.js.org/syntax/flowchart.html>.
    pub fn to_mermaid(&self) -> String {
        mermaid::written(&self.drawing())
    }

    /// Returns the plot as an SVG picture without external parts, for a file or a page.
    ///
    /// The tooltip of a box has all of its parameters and reasons. In a dense picture, arrows may cross boxes.
    pub fn to_svg(&self) -> String {
        svg::written(&self.drawing())
    }

    fn drawing(&self) -> Drawing {
        let drawing = Drawing::of_instances(&self.plan);
        match self.boxes {
            Boxes::Instances => drawing,
            Boxes::Auto if drawing.boxes.len() <= MOST => drawing,
            Boxes::Auto | Boxes::Tasks => drawing.by_task(),
        }
    }
}

/// Writes a line for each box, each after its inputs.
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
