//! pandas reads what a run has recorded in the history of its store, as this library reads it.

use flow::store::InstanceRun;

use super::*;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Counted;

#[tracked]
impl Run for Counted {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.meta("rows", 3)?;
        cx.meta("note", "größer\n🌲")?;
        Ok(3)
    }
}

#[derive(Task)]
#[task(requires = Counted, target = Json<u64>)]
struct Broken;

#[tracked]
impl Run for Broken {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        bail!("{} rows are too few\n\"more\" are needed", cx.input().load()?)
    }
}

/// Returns the reading of a run in which one task ran and one failed.
pub(crate) fn reading(folder: &Path) -> Result<Value> {
    let flow = Flow::open(folder)?.quiet().allow_failures();
    flow.run::<Broken>()?;
    let runs = flow.store().runs()?;
    let history = runs.load(&runs[0].id)?;
    ensure!(history.instances.len() == 2, "{history}");
    type Describe = fn(&InstanceRun) -> Value;
    let columns: [(&str, &str, Describe); 10] = [
        ("task", "str", |run| text(&run.task)),
        ("instance", "str", |run| text(&run.instance)),
        ("key", "str", |run| text(&run.key.to_string())),
        ("outcome", "str", |run| text(&run.outcome.to_string())),
        ("started", "str", |run| run.started.map_or(Value::Null, |at| text(&at.to_string()))),
        ("seconds", "float64", |run| float(run.seconds)),
        ("attempts", "float64", |run| int(run.attempts)),
        ("reasons", "object", |run| list(run.reasons.iter().map(|reason| text(reason)))),
        ("error_text", "str", |run| run.error_text.as_deref().map_or(Value::Null, text)),
        ("metadata", "object", |run| {
            let plain = |value: &Value| match value {
                Value::String(value) => text(value),
                number => int(number),
            };
            map(run.metadata.iter().map(|(name, value)| (name.as_str(), plain(value))))
        }),
    ];
    let names = columns.map(|(name, ..)| name);
    let described = columns.map(|(name, kind, describe)| {
        let values: Vec<_> = history.instances.iter().map(describe).collect();
        json!({ "name": name, "type": kind, "values": values })
    });
    let file = folder.join(".flow/runs").join(format!("{}.jsonl", history.info.id));
    let given = json!({ "columns": names });
    Ok(json!({ "file": file, "reader": "pandas.read_json", "given": given, "columns": described }))
}
