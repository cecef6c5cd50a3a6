//! A plot with plotters, kept with the output: `figures`.

use std::fs;

use crate::program::Example;

#[test]
fn figures_plots_what_it_has_fitted() {
    let example = Example::new("figures");
    example.run("run CoolingFit -q");
    let shown = example.json("show CoolingFit --figures");
    let figure = &shown["figures"][0];
    assert_eq!((&figure["name"], &figure["format"]), (&"fit".into(), &"svg".into()));
    let svg = fs::read_to_string(figure["path"].as_str().expect("a path")).expect("the plot");
    roxmltree::Document::parse(&svg).expect("XML");
    assert!(svg.matches("<circle").count() >= 31, "{svg}");
    let note = shown["notes"][0].as_str().expect("a note");
    assert!(note.starts_with("The coffee is **half as hot** above the room after 1"), "{note}");

    let meta = example.run("meta CoolingFit");
    assert!(meta.contains("\n  figure: fit (SVG, ") && meta.contains("\n  note: The "), "{meta}");

    let to = example.path("handed");
    example.run(&format!("export CoolingFit --to {to} -q"));
    let exported = fs::read_to_string(format!("{to}/figures/CoolingFit/output/01-fit.svg"));
    assert_eq!(exported.expect("the exported plot"), svg);
}
