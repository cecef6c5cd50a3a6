//! Plots of the graph: as text, DOT, Mermaid and SVG, with any parameters and of any size.

use flow::prelude::*;

use crate::support::{failure, flow};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Load {
    #[param(default = "a")]
    name: String,
}

runs!(Load: u64 = |self, _cx| Ok(self.name.len() as u64));

#[derive(Task)]
#[task(requires = Load, target = Json<u64>)]
struct Clean;

runs!(Clean: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fit {
    degree: u64,
}

runs!(Fit: u64 = |self, _cx| {
    if self.degree > 5 {
        bail!("it does not converge");
    }
    Ok(self.degree)
});

#[derive(Task)]
#[task(requires(Clean, Load), target = Json<u64>)]
struct Search {
    #[param(default = 2)]
    most: u64,
}

runs!(Search: u64 = |self, cx| {
    let fits = cx.over(Fit::DEGREE, 1..=self.most).require::<Fit>()?;
    fits.iter().try_fold(0, |sum, fit| Ok(sum + *fit.load()?))
});

#[test]
fn a_plot_shows_dependencies_and_the_state_of_each_instance() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Clean>()?;
    assert_eq!(
        flow.plot::<Search>()?.to_string(),
        "Load {name: a} COMPLETE\n\
         Clean COMPLETE ← Load {name: a}\n\
         Search {most: 2} PENDING ← Load {name: a}, Clean"
    );
    flow.run::<Search>()?;
    // Instances that were required during the run are part of the plot.
    assert_eq!(
        flow.plot::<Search>()?.to_string(),
        "Load {name: a} COMPLETE\n\
         Clean COMPLETE ← Load {name: a}\n\
         Fit {degree: 1} COMPLETE\n\
         Fit {degree: 2} COMPLETE\n\
         Search {most: 2} COMPLETE ← Load {name: a}, Clean, Fit {degree: 1} (in run), Fit {degree: \
         2} (in run)"
    );
    Ok(())
}

#[test]
fn plots_are_written_as_dot_and_mermaid() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Search>()?;
    let plot = flow.with(Search::MOST, 1).plot::<Search>()?;
    flow.with(Search::MOST, 1).run::<Search>()?;
    assert_eq!(
        plot.to_dot(),
        r##"digraph flow {
  rankdir=LR
  node [shape=box, style="rounded,filled", fontname="sans-serif"]
  n0 [label="Load\nname: a", tooltip="Load COMPLETE\nname: a", fillcolor="#d5efe6", color="#009e73"]
  n1 [label="Clean", tooltip="Clean COMPLETE", fillcolor="#d5efe6", color="#009e73"]
  n2 [label="Search\nmost: 1", tooltip="Search PENDING\nmost: 1\nnever run", fillcolor="#fdf1d5", color="#e69f00"]
  n0 -> n1
  n0 -> n2
  n1 -> n2
}
"##
    );
    let plot = flow.with(Search::MOST, 1).plot::<Search>()?;
    assert_eq!(
        plot.to_mermaid(),
        "flowchart LR\n  n0[\"Load<br>name: a\"]:::complete\n  n1[\"Clean\"]:::complete\n  \
         n2[\"Fit<br>degree: 1\"]:::complete\n  n3[\"Search<br>most: 1\"]:::complete\n  n0 --> n1\n  \
         n0 --> n3\n  n1 --> n3\n  n2 -.-> n3\n  classDef complete fill:#d5efe6,stroke:#009e73,color:#000\n"
    );
    Ok(())
}

#[test]
fn an_svg_has_a_box_and_a_tooltip_for_each_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Fit::DEGREE, 9);
    failure(flow.run::<Fit>());
    let svg = flow.plot::<(Search, Fit)>()?.to_svg();
    let document = roxmltree::Document::parse(&svg)?;
    let texts = |tag| {
        let tags = document.descendants().filter(move |node| node.has_tag_name(tag));
        tags.filter_map(|node| node.text().map(str::to_owned)).collect::<Vec<_>>()
    };
    let hints = texts("title");
    assert_eq!(hints.len(), 4);
    assert!(hints[3].starts_with("Fit FAILED\ndegree: 9\nfailed last time: it does not converge"));
    assert!(texts("text").contains(&"most: 2".to_owned()), "{svg}");
    let arrows = document.descendants().filter(|node| node.attribute("marker-end").is_some());
    assert_eq!(arrows.count(), 3);
    assert_eq!(count_separate_boxes(&document), 4);
    // The same plan yields the same picture, so that the picture can be kept with the code.
    assert_eq!(svg, flow.plot::<(Search, Fit)>()?.to_svg());
    Ok(())
}

/// Counts the boxes, and asserts that each lies within the picture and that none overlap.
fn count_separate_boxes(document: &roxmltree::Document<'_>) -> usize {
    let number = |node: &roxmltree::Node<'_, '_>, name| -> f64 {
        node.attribute(name).and_then(|text| text.parse().ok()).expect("a number")
    };
    let boxes = document.descendants().filter(|node| node.attribute("rx").is_some());
    let boxes: Vec<[f64; 4]> = boxes
        .map(|node| {
            let (x, y) = (number(&node, "x"), number(&node, "y"));
            [x, y, x + number(&node, "width"), y + number(&node, "height")]
        })
        .collect();
    let root = document.root_element();
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    for (place, a) in boxes.iter().enumerate() {
        assert!(a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= width && a[3] <= height, "{a:?}");
        for b in &boxes[..place] {
            assert!(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1], "{a:?} {b:?}");
        }
    }
    boxes.len()
}

#[test]
fn hostile_parameters_are_text_in_every_language() -> Result<()> {
    let (flow, _folder) = flow();
    let name = "\"]; end <script>alert('1')</script> \\ & #quot; `x`\n\u{0}\u{7}→ %% --> |";
    let plot = flow.with(Load::NAME, name).plot::<Load>()?;
    let dot = plot.to_dot();
    let quotes = |line: &str| line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    assert!(dot.lines().all(|line| quotes(line) % 2 == 0), "{dot}");
    assert_eq!(dot.lines().count(), 5, "{dot}");
    // Text that looks like an entity is escaped.
    assert!(dot.contains(" &amp; #quot;"), "{dot}");
    let mermaid = plot.to_mermaid();
    let [_, line, class] = mermaid.lines().collect::<Vec<_>>()[..] else { panic!("{mermaid}") };
    assert_eq!(line.matches('"').count(), 2, "{line}");
    assert!(!line.contains("<script") && !line.contains('`') && !line.contains('|'), "{line}");
    assert!(class.starts_with("  classDef pending "));
    let svg = plot.to_svg();
    let document = roxmltree::Document::parse(&svg)?;
    assert!(!document.descendants().any(|node| node.has_tag_name("script")), "{svg}");
    Ok(())
}

#[derive(Task)]
#[task(requires = [Fit { degree } for degree in 0..self.many], target = Json<u64>)]
struct Sum {
    many: u64,
}

runs!(Sum: u64 = |self, cx| cx.input().iter().try_fold(0, |sum, fit| Ok(sum + *fit.load()?)));

#[test]
fn many_instances_are_one_box_unless_drawn_by_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Sum::MANY, 500);
    for degree in [1, 2, 9] {
        let _ = flow.with(Fit::DEGREE, degree).run::<Fit>();
    }
    let plot = flow.plot::<Sum>()?;
    assert_eq!(plot.to_string(), "Fit × 500 FAILED\nSum PENDING ← Fit × 500");
    let mermaid = plot.to_mermaid();
    assert!(
        mermaid.contains("[\"Fit × 500<br>2 COMPLETE<br>497 PENDING<br>1 FAILED\"]:::failed"),
        "{mermaid}"
    );
    assert_eq!(plot.clone().by_instance().to_string().lines().count(), 501);
    assert_eq!(
        roxmltree::Document::parse(&plot.by_instance().to_svg())?
            .descendants()
            .filter(|node| node.has_tag_name("title"))
            .count(),
        501
    );
    let few = flow.with(Sum::MANY, 2).plot::<Sum>()?;
    assert_eq!(few.to_string().lines().count(), 3);
    assert_eq!(few.by_task().to_string(), "Fit × 2 PENDING\nSum PENDING ← Fit × 2");
    Ok(())
}

/// Requires up to `back` days before it.
#[derive(Task)]
#[task(
    requires = [Day { n, back: self.back } for n in self.n.saturating_sub(self.back)..self.n],
    target = Json<u64>
)]
struct Day {
    #[param(local)]
    n: u64,
    #[param(local)]
    back: u64,
}

runs!(Day: u64 = |self, _cx| Ok(self.n));

#[test]
fn large_graphs_of_any_shape_are_drawn() -> Result<()> {
    let (flow, _folder) = flow();
    let picture = |plot: flow::plan::Plot| -> Result<(usize, usize)> {
        let svg = plot.by_instance().to_svg();
        let document = roxmltree::Document::parse(&svg)?;
        let arrows = document.descendants().filter(|node| node.attribute("marker-end").is_some());
        Ok((count_separate_boxes(&document), arrows.count()))
    };
    // A chain too deep for recursion, a very wide graph, and a dense one whose edges cross.
    let days = |n: u64, back: u64| flow.with(Day::N, n).with(Day::BACK, back).plot::<Day>();
    assert_eq!(picture(days(4000, 1)?)?, (4001, 4000));
    assert_eq!(picture(flow.with(Sum::MANY, 4000).plot::<Sum>()?)?, (4001, 4000));
    assert_eq!(picture(days(100, 100)?)?, (101, 100 * 101 / 2));
    // Near the size at which the layout changes, all boxes and arrows are drawn.
    for n in [298, 299, 300, 301] {
        assert_eq!(picture(days(n, 1)?)?, (n as usize + 1, n as usize));
    }
    Ok(())
}

/// Requires itself through `Report`.
#[derive(Task)]
#[task(requires = Report if self.is_last, target = Json<u64>)]
struct Draft {
    is_last: bool,
}

runs!(Draft: u64 = |self, _cx| Ok(1));

#[derive(Task)]
#[task(requires = Draft { is_last: false }, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, _cx| Ok(1));

#[test]
fn tasks_that_require_each_other_are_drawn() -> Result<()> {
    let (flow, _folder) = flow();
    let plot = flow.with(Draft::IS_LAST, true).plot::<Draft>()?.by_task();
    assert_eq!(plot.to_string(), "Report PENDING ← Draft × 2\nDraft × 2 PENDING ← Report");
    assert!(plot.to_mermaid().contains("  n0 --> n1\n  n1 --> n0\n"));
    assert_eq!(count_separate_boxes(&roxmltree::Document::parse(&plot.to_svg())?), 2);
    Ok(())
}

#[test]
fn a_plot_of_a_sweep_draws_shared_instances_once() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Search>().over(Search::MOST, [1, 2]);
    sweep["most=1"].run::<Search>()?;
    let text = "Load {name: a} COMPLETE\n\
                Clean COMPLETE ← Load {name: a}\n\
                Fit {degree: 1} COMPLETE\n\
                Search {most: 1} COMPLETE ← Load {name: a}, Clean, Fit {degree: 1} (in run)\n\
                Search {most: 2} PENDING ← Load {name: a}, Clean";
    assert_eq!(sweep.plot()?.to_string(), text);
    assert_eq!(count_separate_boxes(&roxmltree::Document::parse(&sweep.plot()?.to_svg())?), 5);
    // Variants that a run would leave out are not drawn.
    let missing = sweep.clone().missing(1).plot()?.to_string();
    assert!(missing.ends_with("Search {most: 2} PENDING ← Load {name: a}, Clean"), "{missing}");
    assert!(!missing.contains("most: 1"), "{missing}");
    let none = sweep.missing(0).plot()?;
    assert_eq!((none.to_string(), none.to_mermaid()), (String::new(), "flowchart LR\n".to_owned()));
    assert_eq!(count_separate_boxes(&roxmltree::Document::parse(&none.to_svg())?), 0);
    Ok(())
}
