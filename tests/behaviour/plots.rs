//! The graph as a picture: in four languages, with whatever parameters, and of whatever size.

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
fn a_plot_shows_what_requires_what_and_what_is_complete() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Clean>()?;
    assert_eq!(
        flow.plot::<Search>()?.to_string(),
        "Load {name: a} COMPLETE\n\
         Clean COMPLETE ← Load {name: a}\n\
         Search {most: 2} PENDING ← Load {name: a}, Clean"
    );
    flow.run::<Search>()?;
    // What was required while it ran is a part of it.
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
fn graphviz_and_mermaid_read_it() -> Result<()> {
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
fn a_picture_has_a_box_for_each_task_and_tells_why() -> Result<()> {
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
    // Every box lies within the picture, and none upon another one.
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
    let (width, height) =
        (number(&document.root_element(), "width"), number(&document.root_element(), "height"));
    for (place, a) in boxes.iter().enumerate() {
        assert!(a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= width && a[3] <= height, "{a:?}: {svg}");
        for b in &boxes[..place] {
            assert!(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1], "{a:?} {b:?}");
        }
    }
    // The same plan gives the same picture, so that it can be kept with the code.
    assert_eq!(svg, flow.plot::<(Search, Fit)>()?.to_svg());
    Ok(())
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
fn many_instances_are_one_box_unless_it_is_said() -> Result<()> {
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
