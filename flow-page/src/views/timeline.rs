//! One run as a timeline: a bar for each instance, in as many lanes as workers were busy at a time.
//!
//! The history records when a worker began with an instance and for how long it was busy. Which worker it was is recorded of
//! workers elsewhere only: each has lanes of its own, as many as it was busy with at a time. A worker of the process itself is busy
//! with one instance at a time, so the bars of a lane could all be of one worker.
//!
//! The critical path is followed backward from the instance that ended last: each time to the input that ended last. The
//! inputs are those of the present graph. An instance is ready when its last input has ended or, if none of its inputs ran, when
//! the first instance of the run began. From then on it waits for a worker: a line below its bar. For how long a job of an executor
//! was in the queue is recorded.

use std::collections::{BTreeMap, HashMap};

use flow_core::{InstanceOutcome, InstanceRun, Key, RunHistory};
use maud::{Markup, html};

use super::jobs;
use crate::elements::{class, scroll};
use crate::links::Links;
use crate::snapshot::Snapshot;
use crate::text;

/// The number of bars that are drawn, the longest ones.
const BARS: usize = 2_000;

/// The width of the picture and of a lane's label, and the height of a lane and of the axis, in pixels.
const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 70.0;
const LEFT_OF_WORKERS: f64 = 230.0;
const LANE: f64 = 22.0;
const AXIS: f64 = 24.0;

/// The longest label of a lane, in characters.
const LABEL: usize = 30;

/// The number of marks on the axis.
const MARKS: u32 = 5;

/// Two times that differ by less are equal, in seconds. Starts are times of day and durations are not, so that a worker may seem
/// to begin a little before it has ended.
const SAME: f64 = 2e-3;

/// An instance that a worker was busy with.
pub(crate) struct Bar<'a> {
    pub(super) run: &'a InstanceRun,
    /// When it began and ended, in seconds since the run began.
    start: f64,
    end: f64,
    /// `None` if it is not drawn.
    lane: Option<usize>,
    pub(super) is_critical: bool,
    /// How long it waited for a worker when it was ready, in seconds; `None` if its inputs are not known.
    pub(super) waited: Option<f64>,
}

/// A run as bars in lanes.
pub(crate) struct Timeline<'a> {
    pub(super) bars: Vec<Bar<'a>>,
    /// The instances that an executor ran elsewhere, or was to run.
    pub(super) jobs: Vec<&'a InstanceRun>,
    /// The labels of the lanes.
    lanes: Vec<String>,
    seconds: f64,
    omitted: usize,
}

impl<'a> Timeline<'a> {
    /// Arranges the instances of a run. `snapshot` has their inputs.
    pub(crate) fn new(history: &'a RunHistory, snapshot: Option<&Snapshot>) -> Self {
        let begun = history.info.started.as_nanosecond();
        let bar = |run: &'a InstanceRun| {
            let start = (run.started?.as_nanosecond() - begun) as f64 / 1e9;
            let (start, seconds) = (start.max(0.0), run.seconds.max(0.0));
            let is_finite = start.is_finite() && seconds.is_finite();
            let bar = Bar {
                run,
                start,
                end: start + seconds,
                lane: None,
                is_critical: false,
                waited: None,
            };
            is_finite.then_some(bar)
        };
        let mut bars: Vec<_> = history.instances.iter().filter_map(bar).collect();
        bars.sort_by(|a, b| a.start.total_cmp(&b.start));
        if let Some(snapshot) = snapshot {
            follow(&mut bars, snapshot);
        }
        for bar in &mut bars {
            let queued = bar.run.queue_seconds.filter(|seconds| seconds.is_finite());
            bar.waited = queued.map(|seconds| seconds.max(0.0)).or(bar.waited);
        }
        let last = bars.iter().map(|bar| bar.end).fold(0.0, f64::max);
        let seconds = history.info.seconds.unwrap_or(last).max(last);
        let omitted = bars.len().saturating_sub(BARS);
        let lanes = arrange(&mut bars);
        let jobs = history.instances.iter().filter(|run| jobs::is_job(run)).collect();
        Self { bars, jobs, lanes, seconds, omitted }
    }

    /// Returns the picture. Each bar is a link to its instance.
    pub(super) fn svg(&self, links: Links<'_>) -> Markup {
        let left = if self.jobs.is_empty() { LEFT } else { LEFT_OF_WORKERS };
        let scale = if self.seconds > 0.0 { (WIDTH - left) / self.seconds } else { 0.0 };
        let height = self.lanes.len() as f64 * LANE + AXIS;
        let at = |seconds: f64| text::px(left + seconds * scale);
        let width = |bar: &Bar<'_>| text::px(((bar.end - bar.start) * scale).max(1.5));
        let marks = (0..=MARKS).map(|mark| self.seconds * f64::from(mark) / f64::from(MARKS));
        let marks: Vec<_> = marks.collect();
        let picture = html! {
            svg.timeline viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height)
                role="group" aria-label="Timeline of the run" {
                @for (lane, label) in self.lanes.iter().enumerate() {
                    @let y = lane as f64 * LANE;
                    text.lane x="0" y=(y + 15.0) { (label) }
                    line.lane x1=(left) x2=(WIDTH) y1=(y + LANE) y2=(y + LANE) {}
                }
                @for (bar, lane) in self.bars.iter().filter_map(|bar| Some((bar, bar.lane?))) {
                    @if let Some(waited) = bar.waited.filter(|waited| waited * scale >= 1.0) {
                        @let y = (lane + 1) as f64 * LANE - 1.5;
                        line.wait x1=(at((bar.start - waited).max(0.0))) x2=(at(bar.start)) y1=(y) y2=(y) {}
                    }
                    @let is_retried = bar.run.attempts > 1;
                    a.bar.(class(&bar.run.outcome.to_string())).critical[bar.is_critical].retried[is_retried]
                        href=[links.instance(bar.run.key)] {
                        title { (text::block(&hint(bar))) }
                        rect x=(at(bar.start)) y=(lane as f64 * LANE + 3.0) width=(width(bar)) height=(LANE - 6.0) rx="2" {}
                        @if is_retried {
                            text.attempts x=(at(bar.start)) dx="3" y=(lane as f64 * LANE + 15.0) { "×" (bar.run.attempts) }
                        }
                    }
                }
                @for &mark in &marks {
                    text.axis x=(at(mark)) y=(height - 6.0) text-anchor=(if mark < self.seconds { "middle" } else { "end" }) {
                        (text::seconds(mark))
                    }
                }
            }
        };
        html! {
            (scroll("Timeline, scrollable", &picture))
            p.note {
                "Thick edges: the critical path. A line below a bar: the instance was ready, and waited for a worker. \
                 ×2: it had two attempts."
            }
            @if self.omitted > 0 { p { "The " (self.omitted) " shortest instances are not drawn." } }
        }
    }
}

fn hint(bar: &Bar<'_>) -> String {
    let mut hint = format!(
        "{}\n{} in {}, began after {}",
        text::clipped(&bar.run.instance, 300),
        bar.run.outcome,
        text::seconds(bar.end - bar.start),
        text::seconds(bar.start)
    );
    if let Some(worker) = &bar.run.worker {
        hint.push_str(&format!("\non {}", text::clipped(worker, 100)));
    }
    if let Some(waited) = bar.waited {
        hint.push_str(&format!("\nwaited {} for a worker", text::seconds(waited)));
    }
    if bar.run.attempts > 1 {
        hint.push_str(&format!("\n{} attempts", bar.run.attempts));
    }
    match bar.run.losses {
        0 => {}
        1 => hint.push_str("\nlost once, and ran again"),
        losses => hint.push_str(&format!("\nlost {losses} times, and ran again")),
    }
    if bar.run.outcome == InstanceOutcome::Failed
        && let Some(error) = &bar.run.error
    {
        hint.push_str(&format!("\n{}", text::clipped(error, 300)));
    }
    hint
}

/// Gives each bar that is drawn the first lane of its worker that is free, and returns the labels of the lanes. Those of workers
/// elsewhere are below the others, in the order of their names.
///
/// The bars are sorted by their starts.
///
/// Of too many bars, those of the critical path and the longest ones are drawn.
fn arrange(bars: &mut [Bar<'_>]) -> Vec<String> {
    let mut order: Vec<usize> = (0..bars.len()).collect();
    if bars.len() > BARS {
        let seconds = |place: usize| bars[place].end - bars[place].start;
        order.sort_by(|&a, &b| {
            let by_path = bars[b].is_critical.cmp(&bars[a].is_critical);
            by_path.then_with(|| seconds(b).total_cmp(&seconds(a)))
        });
        order.truncate(BARS);
        order.sort_unstable();
    }
    // For each worker, when its lanes are free, and the places of their bars.
    let mut workers: BTreeMap<Option<&str>, Vec<(f64, Vec<usize>)>> = BTreeMap::new();
    for place in order {
        let bar = &bars[place];
        let run: &InstanceRun = bar.run;
        let lanes = workers.entry(run.worker.as_deref()).or_default();
        match lanes.iter_mut().find(|(end, _)| *end <= bar.start + SAME) {
            Some((end, places)) => {
                *end = bar.end;
                places.push(place);
            }
            None => lanes.push((bar.end, vec![place])),
        }
    }
    let mut labels = Vec::new();
    let mut drawn = Vec::new();
    for (worker, lanes) in workers {
        for (number, (_, places)) in lanes.into_iter().enumerate() {
            drawn.extend(places.into_iter().map(|place| (place, labels.len())));
            labels.push(match worker {
                Some(worker) => text::clipped(worker, LABEL),
                None => format!("worker {}", number + 1),
            });
        }
    }
    for (place, lane) in drawn {
        bars[place].lane = Some(lane);
    }
    labels
}

/// Marks the critical path, and how long each bar waited for a worker.
fn follow(bars: &mut [Bar<'_>], snapshot: &Snapshot) {
    // An instance has several bars if the run settled it several times.
    let mut places: HashMap<Key, Vec<usize>> = HashMap::new();
    for (place, bar) in bars.iter().enumerate() {
        places.entry(bar.run.key).or_default().push(place);
    }
    let by_end = |a: &usize, b: &usize| bars[*a].end.total_cmp(&bars[*b].end);
    // For each instance, its own bars or, if it has none, the bar that it has last waited for.
    let mut latest: Vec<Vec<usize>> = Vec::with_capacity(snapshot.instances.len());
    let mut before: Vec<Option<usize>> = vec![None; bars.len()];
    let mut is_known = vec![false; bars.len()];
    for (place, instance) in snapshot.instances.iter().enumerate() {
        let inputs = snapshot.inputs[place].iter().map(|&input| latest[input].as_slice());
        let inputs: Vec<&[usize]> = inputs.filter(|input| !input.is_empty()).collect();
        let own = places.remove(&instance.key()).unwrap_or_default();
        for (number, &bar) in own.iter().enumerate() {
            let (last, has_all) = cause(bars, &inputs, bar);
            // When an instance was ready for the second time is not known.
            (before[bar], is_known[bar]) = (last, has_all && number == 0);
        }
        let last = || inputs.iter().flat_map(|input| input.iter().copied()).max_by(by_end);
        let own = if own.is_empty() { last().into_iter().collect() } else { own };
        latest.push(own);
    }
    let mut next = (0..bars.len()).max_by(by_end);
    let first = bars.iter().map(|bar| bar.start).fold(f64::INFINITY, f64::min);
    for (place, before) in before.iter().enumerate().filter(|(place, _)| is_known[*place]) {
        let ready = before.map_or(first, |before| bars[before].end);
        bars[place].waited = Some((bars[place].start - ready).max(0.0));
    }
    while let Some(place) = next {
        bars[place].is_critical = true;
        next = before[place];
    }
}

/// Returns the bar that ended last before a bar began, among those of its inputs, and whether each input has a bar before it.
///
/// An output that was computed again after it was read is no cause. If that is its only bar, it is not known when it was there for
/// the first time.
fn cause(bars: &[Bar<'_>], inputs: &[&[usize]], own: usize) -> (Option<usize>, bool) {
    let is_before = |input: &usize| bars[*input].end <= bars[own].start + SAME;
    let earlier = inputs.iter().flat_map(|input| input.iter().copied()).filter(is_before);
    let last = earlier.max_by(|a, b| bars[*a].end.total_cmp(&bars[*b].end));
    (last, inputs.iter().all(|input| input.iter().any(is_before)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(key: u32, seconds: f64) -> InstanceRun {
        let run = json!({
            "task": "Sleep", "instance": "Sleep", "key": format!("{key:032x}"), "outcome": "ran", "seconds": seconds,
        });
        serde_json::from_value(run).expect("the run of an instance")
    }

    fn bar(run: &InstanceRun, start: f64) -> Bar<'_> {
        let end = start + run.seconds;
        Bar { run, start, end, lane: None, is_critical: false, waited: None }
    }

    #[test]
    fn a_worker_elsewhere_has_lanes_of_its_own() {
        let on = |key: u32, worker: &str| {
            let mut run = run(key, 1.0);
            run.worker = Some(worker.to_owned());
            run
        };
        let runs = [run(1, 1.0), on(2, "node2"), on(3, "node1"), on(4, "node2"), on(5, "node2")];
        let starts = [0.0, 0.0, 0.0, 0.5, 1.5];
        let mut bars: Vec<_> =
            runs.iter().zip(starts).map(|(run, start)| bar(run, start)).collect();
        assert_eq!(arrange(&mut bars), ["worker 1", "node1", "node2", "node2"]);
        let lanes: Vec<_> = bars.iter().filter_map(|bar| bar.lane).collect();
        assert_eq!(lanes, [0, 2, 1, 3, 2]);
    }

    #[test]
    fn an_input_that_was_computed_again_hides_no_other_cause() {
        let runs = [run(1, 1.0), run(2, 2.0), run(3, 5.0), run(4, 1.0)];
        // The last one begins at 2.5, and the third ends at 6.
        let starts = [0.0, 0.0, 1.0, 2.5];
        let bars: Vec<_> = runs.iter().zip(starts).map(|(run, start)| bar(run, start)).collect();
        assert_eq!(cause(&bars, &[&[0], &[1]], 3), (Some(1), true));
        assert_eq!(cause(&bars, &[&[0], &[1], &[2]], 3), (Some(1), false));
        // The second and the third are bars of one input.
        assert_eq!(cause(&bars, &[&[0], &[1, 2]], 3), (Some(1), true));
        assert_eq!(cause(&bars, &[&[2]], 3), (None, false));
        assert_eq!(cause(&bars, &[], 3), (None, true));
    }
}
