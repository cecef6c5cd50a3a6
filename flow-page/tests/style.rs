//! The style sheet: text and edges have enough contrast on light and on dark pages, and what scrolls can be reached.

use std::collections::HashMap;

use flow::page::PageOptions;

use crate::Page;
use crate::tasks::Mean;

/// The least contrast of text, and that of edges which distinguish something: WCAG 2.2, criteria 1.4.3 and 1.4.11.
const TEXT: f64 = 4.5;
const EDGE: f64 = 3.0;

fn style() -> String {
    let page = Page::new::<Mean>(PageOptions::new(), |flow| flow);
    page.ask("/assets/page.css").text
}

/// Returns the luminance of each color of a theme, by its name.
fn theme(block: &str) -> HashMap<&str, f64> {
    let colors = block.lines().filter_map(|line| {
        let (name, hex) = line.trim().strip_prefix("--")?.split_once(": #")?;
        Some((name, luminance(hex.strip_suffix(';')?)))
    });
    colors.collect()
}

/// Returns the relative luminance of a color, as WCAG defines it.
fn luminance(hex: &str) -> f64 {
    let part = |at: usize| {
        let value = u8::from_str_radix(&hex[at..at + 2], 16).expect("a color of six digits");
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
}

fn contrast(a: f64, b: f64) -> f64 {
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_and_edges_have_contrast_in_both_themes() {
    let style = style();
    let blocks = style.split(":root {").skip(1);
    let themes: Vec<_> =
        blocks.map(|block| theme(block.split('}').next().unwrap_or_default())).collect();
    assert_eq!(themes.len(), 2, "light and dark");
    let states =
        ["complete", "reused", "quiet-area", "pending", "failed", "running", "step-0", "step-6"];
    for (colors, name) in themes.iter().zip(["light", "dark"]) {
        let check = |front: &str, back: &str, least: f64| {
            let found = contrast(colors[front], colors[back]);
            assert!(found >= least, "{name}: {front} on {back}: {found:.2}");
        };
        for back in ["page", "area"].into_iter().chain(states) {
            check("text", back, TEXT);
        }
        for back in ["page", "area", "pending"] {
            check("quiet", back, TEXT);
            check("link", back, TEXT);
        }
        for back in ["page", "area", "failed"] {
            check("failed-edge", back, TEXT);
        }
        check("complete-edge", "page", TEXT);
        for edge in [
            "quiet-edge",
            "reused-edge",
            "pending-edge",
            "running-edge",
            "mark",
            "series-1",
            "series-2",
            "series-3",
        ] {
            check(edge, "page", EDGE);
        }
    }
}

#[test]
fn only_what_the_keyboard_reaches_scrolls() {
    let style = style();
    let rules = style.split('}').filter_map(|rule| rule.split_once('{'));
    let scrolls = rules.filter(|(_, body)| body.contains("overflow: auto"));
    let selectors: Vec<_> = scrolls
        .map(|(selector, _)| selector.trim().lines().last().unwrap_or_default().trim())
        .collect();
    assert_eq!(selectors, [".scroll, .canvas", "pre[tabindex]"]);
}
